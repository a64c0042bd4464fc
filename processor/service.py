"""One processor process: from settings to threads, stores and loop, and to an orderly end."""

from __future__ import annotations

import gc
import itertools
import os
import random
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from confluent_kafka import KafkaException

from connectors.kit.errors import Undecodable
from processor.avro.codec import Codec
from processor.clock import SteadyClock
from processor.compiled import engine as engine_kind
from processor.config.watch import Change
from processor.engine.assembly import Engine
from processor.engine.circuit import CircuitPolicy
from processor.engine.counts import Counts
from processor.engine.loop import Loop, LoopError
from processor.engine.options import EngineOptions, Topics
from processor.engine.retry import RetryPolicy
from processor.engine.shares import Sharing
from processor.gauges import Gauges
from processor.health import HealthServer
from processor.kafka.checkpointer import CheckpointThread
from processor.kafka.clients import (
    PARTITION_END,
    consumer_properties,
    producer_properties,
    restore_properties,
    watermark_properties,
)
from processor.kafka.complaints import complaints
from processor.kafka.consumer import ConsumerThread
from processor.kafka.demand import DemandReader, open_demand
from processor.kafka.layout import Layout, read_layout
from processor.kafka.murmur2 import partition_of
from processor.kafka.restore import Restore
from processor.metrics import Metrics
from processor.model.attributes import AttributesState
from processor.report import Listener, Report
from processor.state.folder import StateFolder

if TYPE_CHECKING:
    from processor.config.model import Configuration
    from processor.http.transport import Transport
    from processor.settings import ProcessorSettings

BROKER_TIMEOUT = 30.0
AGAIN_AFTER = 1.0
BATCH_BYTES = 1_000_000
"""librdkafka's own limit of a batch."""
EXPIRE_EVERY = 600.0
COLLECT_AFTER = (50_000, 20, 50)
"""Objects made and not freed until the collector looks at the young ones; Python's own 700 costs a tenth of the CPU."""


class ConfigSource(Protocol):
    """Where the configuration comes from."""

    def start(self) -> Configuration:
        """The first reading; raises ConfigErrors."""

    def poll(self) -> Change | None:
        """The change since the last one told."""


def options_of(settings: ProcessorSettings, layout: Layout) -> EngineOptions:
    """The engine's options, from the processor's settings and the topics as they are."""
    topics = settings.topics
    producer = int(producer_properties(settings)["message.max.bytes"])
    return EngineOptions(
        topics=Topics(
            topics.interactions, topics.attributes, topics.replays, topics.results, topics.dead_letters,
            topics.attributes_changelog, topics.chains, topics.finished,
        ),
        partitions=layout.partitions,
        max_in_flight=settings.flow.max_in_flight,
        max_in_flight_bytes=int(settings.flow.max_in_flight_bytes),
        parked_in_memory=settings.flow.parked_in_memory,
        checkpoint_interval=settings.checkpoint.interval,
        checkpoint_gap=settings.checkpoint.min_gap,
        join_grace=settings.join_grace,
        park_after=settings.retry.park_after,
        misconfigured_grace=settings.misconfigured_grace,
        misconfigured_pause=settings.misconfigured_pause,
        drain=settings.drain,
        future_tolerance=settings.future_tolerance,
        stall=layout.session / 3,
        largest={topic: min(limit, producer) for topic, limit in layout.largest.items()},
        max_value_bytes=int(settings.max_value_bytes),
        timeout=settings.http.timeout,
        max_response_bytes=int(settings.http.max_response_bytes),
        retry=RetryPolicy(
            settings.retry.base, settings.retry.cap, settings.retry.max_attempts, settings.retry.max_time,
            settings.retry.retry_after_cap,
        ),
        circuit=CircuitPolicy(),
    )


def batched(properties: dict[str, Any], layout: Layout) -> dict[str, Any]:
    """The producer's properties with batches that every topic accepts: a batch counts as a message there."""
    smallest = min(layout.largest.values(), default=BATCH_BYTES)
    return properties | {"batch.size": min(int(properties.get("batch.size", BATCH_BYTES)), smallest)}


def make_transport(settings: ProcessorSettings, stall: float) -> Transport:
    """The transport that the settings choose; once it stood still for `stall`, it sends nothing begun before that."""
    http = settings.http
    if http.transport == "requests":
        from processor.http.requests_threads import RequestsTransport  # noqa: PLC0415  only where it is chosen

        return RequestsTransport(connect_timeout=http.connect_timeout, user_agent=http.user_agent, stall=stall)
    from processor.http.curl import CurlTransport  # noqa: PLC0415  only where it is chosen

    return CurlTransport(connect_timeout=http.connect_timeout, user_agent=http.user_agent, stall=stall)


class Service:
    """Runs until it is told to stop; begins anew, as after a crash, where only that helps."""

    def __init__(
        self, settings: ProcessorSettings, source: ConfigSource, *, listener: Listener | None = None,
        clock: SteadyClock | None = None,
    ) -> None:
        self.settings = settings
        self._source = source
        self._clock = clock or SteadyClock()
        self._log = structlog.get_logger()
        self.metrics = Metrics()
        self._gauges = Gauges(self.metrics)
        self._report = Report(settings.log.success_sample, listener)
        self.engine: Engine | None = None
        self.loop: Loop | None = None
        self.health: HealthServer | None = None
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._stops = 0
        self._expired_at = self._clock()
        self._complaints = complaints()
        self._said = Codec()
        """For demands; internal records need no registry."""

    def stop(self, *_signal: Any) -> None:
        """Drain and end; a second call cuts the drain short. Safe in signal handlers."""
        self._stops += 1
        if self.loop is not None:
            self.loop.stop_requested = self._stops
        os.eventfd_write(self._wake, 1)

    def handle_signals(self) -> None:
        """Let SIGTERM and SIGINT stop it."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)

    def run(self) -> None:
        """Run to the end; raises ConfigErrors, LayoutError and KafkaException where it cannot even begin."""
        configuration = self._source.start()
        server = self.settings.server
        self.health = HealthServer(self.metrics.registry, host=server.host, port=server.port)
        self._log.info("starting", config_version=configuration.version, apps=len(configuration.apps),
                       port=self.health.port, engine=engine_kind())
        try:
            self._configuration = configuration
            while not self._stops:
                self._live_once()
        finally:
            self.health.close()
        self._log.info("stopped")

    def _live_once(self) -> None:
        """One life; what ends it without a request is told, and after a moment another begins."""
        try:
            self._life()
        except (LoopError, KafkaException) as error:
            if self.loop is None:
                raise  # it could not even begin: the operator is there and is told
            why = error.args[0].str() if isinstance(error, KafkaException) else str(error)
            self._log.error("beginning anew", why=why)
            time.sleep(AGAIN_AFTER)

    def _life(self) -> None:
        """Threads, engine and loop, until stopped or until a LoopError."""
        settings = self.settings
        layout = read_layout(settings, BROKER_TIMEOUT)
        options = options_of(settings, layout)
        folder = StateFolder(settings.state.folder / settings.instance, settings.state.cache_mb)
        self._demand = open_demand(settings, BROKER_TIMEOUT)
        if self._demand is None:
            self._log.warning("rate limits are not shared with other processes", missing_topic=settings.topics.demand)
        consumer = ConsumerThread(
            consumer_properties(settings), options, settings.flow.batch,
            lambda: self._restore(folder, options, layout), folder.close, self._demand)
        topics = options.topics
        checkpointer = CheckpointThread(
            batched(producer_properties(settings), layout), consumer.commit,
            frozenset((topics.attributes_changelog, topics.chains, topics.finished)))
        transport = make_transport(settings, options.stall)
        for fd in (consumer.fd, checkpointer.fd, self._wake):
            transport.watch(fd)
        self._checkpointer = checkpointer
        try:
            checkpointer.prepare(BROKER_TIMEOUT)
            self._turn_loop(options, transport, consumer, checkpointer)
        finally:
            transport.close()
            consumer.stop()
            checkpointer.stop()
            for thread in (consumer, checkpointer):
                if thread.is_alive():
                    thread.join(0 if thread is checkpointer and checkpointer.hangs else BROKER_TIMEOUT)
            folder.close_all()

    def _turn_loop(
        self, options: EngineOptions, transport: Transport, consumer: ConsumerThread, checkpointer: CheckpointThread,
    ) -> None:
        rng = random.SystemRandom()
        start, sendings = rng.randbytes(8).hex(), itertools.count()  # an id of a sending need only be unique
        self.engine = engine = Engine(
            options=options, transport=transport, committer=checkpointer, codec=self._codec(),
            metrics=Counts(self.metrics), report=self._report, chance=rng.random,
            nonce=lambda: f"{start}{next(sendings):016x}",
            partition_of=partition_of, stored=AttributesState)
        self._sharing = Sharing(f"{self.settings.group}.{self.settings.instance}", engine.plans.gates,
                                engine.sender.look_again)
        self._take(self._configuration)
        self.loop = loop = Loop(engine, consumer, self._clock, _is_end, self._keep_house)
        loop.stop_requested = self._stops
        self._consumer = consumer
        self._gauges.restarted()
        checkpointer.start()
        consumer.start()
        _settle_memory()
        loop.run()

    def _codec(self) -> Codec:
        settings = self.settings
        if settings.registry is None:
            return Codec(settings.framing)
        from processor.kafka.schema_ids import connect_registry  # noqa: PLC0415  only where there is one

        return Codec(settings.framing, connect_registry(settings))

    def _restore(self, folder: StateFolder, options: EngineOptions, layout: Layout) -> Restore:
        settings = self.settings
        return Restore(restore_properties(settings), watermark_properties(settings), folder, options.topics,
                       layout.changelog_ids, self._restore_told)

    def _restore_told(self, kind: str, facts: Any) -> None:
        if kind == "restored":
            self.metrics.restore_seconds.set(facts["seconds"])
        self._report(kind, None, facts)

    def _take(self, configuration: Configuration) -> None:
        self._configuration = configuration
        changed = self.engine.configure(configuration)  # type: ignore[union-attr]
        self.metrics.config_version_info.replace({(configuration.version,): 1})
        self._log.info("configuration taken", config_version=configuration.version, changed=sorted(changed))

    # house-keeping, four times a second, in the loop

    def _keep_house(self, loop: Loop) -> None:
        self._clock.correct()
        for what, broker, repeats in self._complaints.over():
            self._log.info("kafka trouble is over", what=what, broker=broker, repeated=repeats)
        if self._checkpointer.hangs:
            raise LoopError("the Kafka client does not come back from sending offsets")
        self._watch_configuration()
        self.health.snapshot = self._gauges.show(  # type: ignore[union-attr]
            self.engine, loop, self._consumer, stopping=bool(self._stops))  # type: ignore[arg-type]
        now = self._clock()
        if self._demand is not None:
            self._share(self._demand, now)
        if now - self._expired_at > EXPIRE_EVERY:
            self._expired_at = now
            longest = max((app.duplicates_window for app in self._configuration.apps.values()), default=0.0)
            for partition in loop.partitions.values():  # a backlog is as old as it is: copies in it count from then
                partition.store.expire(partition.reach.newest / 1000 - longest)

    def _share(self, demand: DemandReader, now: float) -> None:
        """Hear what other processes would send, keep to our shares, say what we would send."""
        while demand.heard:
            value, at = demand.heard.popleft()
            with suppress(Undecodable):  # whoever wrote it, it is no reason to stop
                self._sharing.heard.take(self._said.demand(value), at)
        word = self._sharing.turn(now)
        if word is not None:
            topic = self.settings.topics.demand
            self.engine.checkpoints.aside = [  # type: ignore[union-attr]
                (topic, word.process.encode(), self._said.encode_demand(word), 0)]

    def _watch_configuration(self) -> None:
        change = self._source.poll()
        if change is None:
            return
        if change.configuration is None:
            self.metrics.config_reloads.add("refused")
            for error in change.errors:
                self._log.error("configuration refused, the running one is kept", error=str(error))
        else:
            self.metrics.config_reloads.add("taken")
            self._take(change.configuration)


def _settle_memory() -> None:
    """What was made at the start stays to the end: the collector looks at it no more, and seldom at the rest."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def _is_end(message: Any) -> bool:
    """Whether a message without a value tells of the end of its partition; other errors need a new start."""
    error = message.error()
    if error.code() == PARTITION_END:
        return True
    if error.fatal() or not error.retriable():
        raise LoopError(f"{message.topic()}: {error.str()}")
    return False

