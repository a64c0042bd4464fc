"""Sets the demo up: folder, emulators, broker, and the processor as `run` runs it, in a thread of its own."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from processor.config.model import Configuration
from processor.config.watch import Watcher
from processor.demo.broker import GROUP, Home, embedded, given
from processor.demo.console import Offer, administrator, offered
from processor.demo.kept import KeptStore, StoreSource, kept_store
from processor.log import configure
from processor.report import Listener
from processor.service import ConfigSource, Service
from processor.settings import (
    HttpSettings,
    KafkaSettings,
    LogSettings,
    ProcessorSettings,
    RetrySettings,
    ServerSettings,
    StateSettings,
)
from testkit.kafka.local import free_port
from testkit.vendors import VendorServer, example

_PACKAGE = Path(__file__).parents[1]
EXAMPLES = (_PACKAGE / "_data" / "config", _PACKAGE.parent / "config")
"""The example configuration: installed, and in a checkout."""

JOIN_GRACE = 3.0
PARK_AFTER = 1.0
"""Much shorter than in earnest, so that waiting and its end are seen within seconds."""
DRAIN = 10.0


class Wish(NamedTuple):
    """What the user asked for."""

    seconds: float
    rate: float
    seed: int
    keep: bool
    servers: str = ""
    """A real broker; empty for the embedded one."""
    kafka: KafkaSettings = KafkaSettings()
    """Further properties for the real broker."""
    keep_topics: bool = False
    """Whether a real broker's topics stay."""
    save: Path | None = None
    """A folder for log, results and dead letters; they are gone with the demo otherwise."""


class Stage(NamedTuple):
    """Everything that stands while the demo runs."""

    home: Home
    vendors: VendorServer
    settings: ProcessorSettings
    source: ConfigSource
    configuration: Configuration
    log_file: Path
    offer: Offer | None = None
    """The console, where the demo goes on."""
    store: KeptStore | None = None
    """What the console changes."""


@contextmanager
def stage(wish: Wish) -> Iterator[Stage]:
    """Set up all but the processor; leaves nothing behind."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="prompt-actions-demo-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        config = example_folder()
        vendors = stack.enter_context(VendorServer(own_process=True, seed=wish.seed))
        home = stack.enter_context(_broker(wish, config))
        settings = _settings(home, folder, config, example.overrides(vendors.base_url))
        settings = _told(settings) if wish.keep else settings
        log_file = (wish.save or folder) / "processor.log"
        log_file.parent.mkdir(parents=True, exist_ok=True)
        stream = stack.enter_context(log_file.open("w", encoding="utf-8", buffering=1))
        configure("json", settings.log.level, stream)
        stack.callback(configure)
        store, offer = _console(wish, settings, folder, stack)
        source = StoreSource(store) if store else Watcher(config, example.environment(), settings.overrides)
        yield Stage(home, vendors, settings, source, source.start(), log_file, offer, store)


def _console(
    wish: Wish, settings: ProcessorSettings, folder: Path, stack: ExitStack
) -> tuple[KeptStore | None, Offer | None]:
    """A configuration to be changed, and the console to change it in, where there is time to look at it."""
    who = administrator() if wish.keep else None
    if who is None:
        return None, None
    store = kept_store(settings.config_folder, example.environment(), settings.overrides, folder, who.company)
    return store, stack.enter_context(offered(settings, store, who))


def example_folder() -> Path:
    """The example configuration that comes with the package."""
    return next((one for one in EXAMPLES if (one / "apps").is_dir()), EXAMPLES[-1])


def _broker(wish: Wish, config: Path) -> AbstractContextManager[Home]:
    if not wish.servers:
        return embedded()
    prefix = f"demo-{uuid4().hex[:8]}"
    return given(wish.servers, wish.kafka, prefix, config, keep=wish.keep_topics)


def _settings(home: Home, folder: Path, config: Path, overrides: dict[str, dict[str, str]]) -> ProcessorSettings:
    prefix = home.topics.interactions.removesuffix("prompt.interactions")
    made = ProcessorSettings(
        topics=home.topics, delivery=home.delivery, group=f"{prefix}{GROUP}", instance="demo",
        join_grace=JOIN_GRACE, retry=RetrySettings(park_after=PARK_AFTER), drain=DRAIN,
        state=StateSettings(folder=folder / "state", cache_mb=16), server=ServerSettings(port=0),
        http=HttpSettings(timeout=5.0), log=LogSettings(format="json", success_sample=1.0),
        config_folder=config, overrides=overrides,
    )
    return made.model_copy(update={"kafka": home.kafka})


def _told(settings: ProcessorSettings) -> ProcessorSettings:
    """With a port chosen beforehand, so that the console can be told where the processor's metrics are."""
    port = free_port()
    urls = (f"http://127.0.0.1:{port}/metrics",)
    return settings.model_copy(update={"server": ServerSettings(port=port),
                                       "console": settings.console.model_copy(update={"metrics_urls": urls})})


class Running:
    """The processor at work in its own thread."""

    def __init__(self, settings: ProcessorSettings, source: ConfigSource, listener: Listener) -> None:
        self.service = Service(settings, source, listener=listener)
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="processor", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def _run(self) -> None:
        try:
            self.service.run()
        except BaseException as error:  # noqa: BLE001  told where the demo waits for it
            self.error = error

    @property
    def alive(self) -> bool:
        """Whether it works."""
        return self._thread.is_alive()

    @property
    def ready(self) -> bool:
        """Whether it has its partitions, restored and caught up."""
        health = self.service.health
        snapshot = health.snapshot if health is not None else None
        return snapshot is not None and snapshot.assigned and snapshot.restored

    @property
    def address(self) -> str:
        """Where metrics and probes are served."""
        health = self.service.health
        return f"http://127.0.0.1:{health.port}" if health is not None else ""

    def stop(self, waiting: Callable[[], None] | None = None, seconds: float = 30.0) -> None:
        """Let it drain and end; a second call cuts the drain short."""
        self.service.stop()
        for _ in range(int(seconds * 10)):
            self._thread.join(0.1)
            if not self._thread.is_alive():
                return
            if waiting is not None:
                waiting()
