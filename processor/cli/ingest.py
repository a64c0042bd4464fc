"""`prompt-actions ingest`: interactions and attributes over HTTP."""

from __future__ import annotations

import click

from processor.cli.context import Context, pass_context


@click.command()
@pass_context
def ingest(context: Context) -> None:
    """Take interactions and attributes as JSON over HTTP and publish them, until SIGTERM or Ctrl-C.

    For product apps without a Kafka client: POST /v1/interactions, /v1/attributes, and Segment's track and identify.
    """
    try:
        from processor.ingest.serving import main
    except ImportError as error:
        raise click.ClickException(f"{error.name} is not there: install prompt-actions[ingest]") from None
    from confluent_kafka import KafkaException

    from processor.avro.registry import RegistryError
    from processor.cli.reading import codec_of
    from processor.config.store import StoreError
    from processor.ingest.keys import WeakKeyError
    from processor.log import configure

    settings = context.settings
    configure(settings.log.format, settings.log.level)
    try:
        main(settings, context.environ, codec_of(settings))
    except KafkaException as error:
        raise click.ClickException(f"{settings.kafka.bootstrap_servers}: {error.args[0].str()}") from None
    except (RegistryError, StoreError, WeakKeyError, OSError) as error:
        raise click.ClickException(str(error)) from None
