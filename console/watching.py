"""All that follows Kafka for the console, opened together: letters, activity, health."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from console.activity import Activity
from console.configured import Configured
from console.health import Health
from console.letters import Letters
from processor.avro.codec import Codec
from processor.config.store import Store
from processor.settings import ProcessorSettings


class Watch(NamedTuple):
    """What goes into `ConsoleOptions` under the same names; `activity.waiting` is its `waiting`."""

    letters: Letters
    activity: Activity
    health: Health


@contextmanager
def watching(settings: ProcessorSettings, codec: Codec, store: Store) -> Iterator[Watch]:
    """Follow Kafka in the background; a broker that is away is told on the pages, and waited for."""
    configured = Configured(store)
    configured.refresh()
    found = Watch(Letters(settings, codec, configured), Activity(settings, codec, configured),
                  Health(settings, codec, configured))
    with ExitStack() as stack:
        for one in found:
            stack.callback(one.close)
            one.start()
        yield found
