"""`prompt-actions run`: the processor."""

from __future__ import annotations

import os

import click

from processor.cli.context import Context, pass_context


@click.command()
@pass_context
def run(context: Context) -> None:
    """Run the processor until SIGTERM or Ctrl-C; a second one cuts the drain short."""
    from confluent_kafka import KafkaException

    from connectors.kit.errors import Undecodable
    from processor.avro.registry import RegistryError
    from processor.config.source import source_of
    from processor.config.store import StoreError
    from processor.kafka.layout import LayoutError
    from processor.log import configure
    from processor.service import Service
    from processor.state.errors import StateError

    settings = context.settings
    configure(settings.log.format, settings.log.level)
    service = Service(settings, source_of(settings, os.environ))
    service.handle_signals()
    try:
        service.run()
    except KafkaException as error:
        raise click.ClickException(f"{settings.kafka.bootstrap_servers}: {error.args[0].str()}") from None
    except Undecodable as error:  # an input would be a dead letter: this is a record of ours
        raise click.ClickException(
            f"a changelog holds a record that this version cannot read ({error.message}): nothing was lost; start the "
            "version that wrote it, or a newer one") from None
    except (LayoutError, RegistryError, StateError, StoreError, OSError) as error:
        raise click.ClickException(str(error)) from None
