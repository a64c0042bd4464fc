"""All metrics in one place: each with its meaning and what an operator does about it.

An operator's page is made from these declarations (docs/operating.md, held true by a test). Adding to a
metric is a dictionary entry in Python; Prometheus' own objects are made only when somebody asks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import ClassVar, Self

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

PREFIX = "prompt_actions_"
Labels = tuple[str, ...]

CALL_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0)
AGE_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 43200.0, 86400.0)
CHECKPOINT_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class _Rows(dict[Labels, float]):
    """Values by labels; a row that is new is looked at once."""

    def __init__(self, labels: Labels) -> None:
        super().__init__()
        self._labels = labels

    def __missing__(self, key: Labels) -> float:
        check(self._labels, key)
        return 0


def check(names: Labels, values: Labels) -> None:
    """Raise where `values` do not fit the label names; a scrape would be broken by them."""
    if len(values) != len(names):
        raise ValueError(f"the labels are {names}, given were {values}")


class Series:
    """What every declared metric has: a name, labels, a meaning and an advice."""

    kind: ClassVar[str]

    def __init__(self, *labels: str, meaning: str, act: str) -> None:
        self.name = ""
        self.labels = labels
        self.meaning = meaning
        self.act = act

    def __set_name__(self, _owner: type, name: str) -> None:
        self.name = f"{PREFIX}{name}"

    def empty(self) -> Self:
        """A metric like this one, without any values."""
        made = type(self)(*self.labels, meaning=self.meaning, act=self.act)
        made.name = self.name
        return made

    def family(self) -> Metric:
        """The values as Prometheus takes them."""
        raise NotImplementedError


class Counter(Series):
    """Something that is counted up."""

    kind = "counter"

    def __init__(self, *labels: str, meaning: str, act: str) -> None:
        super().__init__(*labels, meaning=meaning, act=act)
        self.rows: dict[Labels, float] = _Rows(labels)
        """By labels; whoever counts often adds to a row by itself."""

    def __set_name__(self, _owner: type, name: str) -> None:
        self.name = f"{PREFIX}{name}_total"

    def add(self, *labels: str, by: float = 1) -> None:
        """Count one more, or `by` more."""
        self.rows[labels] += by

    def value(self, *labels: str) -> float:
        """How much was counted so far."""
        return self.rows.get(labels, 0)

    def family(self) -> Metric:
        """The values as Prometheus takes them."""
        family = CounterMetricFamily(self.name, self.meaning, labels=self.labels)
        for labels, value in _rows(self.rows, self.labels):
            family.add_metric(labels, value)
        return family


class Gauge(Series):
    """Something that goes up and down."""

    kind = "gauge"

    def __init__(self, *labels: str, meaning: str, act: str) -> None:
        super().__init__(*labels, meaning=meaning, act=act)
        self._rows = _Rows(labels)

    def set(self, value: float, *labels: str) -> None:
        """Note the value of now."""
        check(self.labels, labels)
        self._rows[labels] = value

    def add(self, *labels: str, by: float = 1) -> None:
        """Move the value by `by`."""
        self._rows[labels] += by

    def replace(self, values: Mapping[Labels, float]) -> None:
        """Note all values of now; rows that are not among them are gone."""
        rows = _Rows(self.labels)
        for labels, value in values.items():
            check(self.labels, labels)
            rows[labels] = value
        self._rows = rows

    def value(self, *labels: str) -> float:
        """The value of now."""
        return self._rows.get(labels, 0)

    def family(self) -> Metric:
        """The values as Prometheus takes them."""
        family = GaugeMetricFamily(self.name, self.meaning, labels=self.labels)
        for labels, value in _rows(self._rows, self.labels):
            family.add_metric(labels, value)
        return family


class Histogram(Series):
    """How large something is each time, sorted into buckets."""

    kind = "histogram"

    def __init__(self, *labels: str, meaning: str, act: str, buckets: tuple[float, ...] = CALL_BUCKETS) -> None:
        super().__init__(*labels, meaning=meaning, act=act)
        self.buckets = buckets
        self.rows: dict[Labels, list[float]] = {}
        """By labels, a count for each bucket and the one above, then the sum; see `row`."""

    def empty(self) -> Self:
        """A metric like this one, without any values."""
        made = type(self)(*self.labels, meaning=self.meaning, act=self.act, buckets=self.buckets)
        made.name = self.name
        return made

    def observe(self, value: float, *labels: str) -> None:
        """Note one size."""
        row = self.rows.get(labels) or self.row(labels)
        row[bisect_left(self.buckets, value)] += 1
        row[-1] += value

    def row(self, labels: Labels) -> list[float]:
        """The row of these labels, made where it is not there."""
        check(self.labels, labels)
        return self.rows.setdefault(labels, [0] * (len(self.buckets) + 2))

    def value(self, *labels: str) -> tuple[float, float]:
        """How often, and the sum of all sizes."""
        row = self.rows.get(labels, [0])
        return sum(row[:-1]), row[-1]

    def family(self) -> Metric:
        """The values as Prometheus takes them."""
        family = HistogramMetricFamily(self.name, self.meaning, labels=self.labels)
        for labels, row in list(self.rows.items()):
            family.add_metric(labels, *self._cumulated(row.copy()))
        return family

    def _cumulated(self, row: list[float]) -> tuple[list[tuple[str, float]], float]:
        bounds = [*map(str, self.buckets), "+Inf"]
        total = 0.0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip(bounds, row, strict=False):
            total += count
            buckets.append((bound, total))
        return buckets, row[-1]


def _rows(rows: dict[Labels, float], labels: Labels) -> list[tuple[Labels, float]]:
    """A copy, taken in one step while the loop goes on; a metric without labels is there from the start."""
    return list(rows.items()) or ([] if labels else [((), 0.0)])


class Metrics:
    """The metrics of one process. The loop adds, the scrape reads; no label names a user, event, prompt or app."""

    events_consumed = Counter(
        "topic",
        meaning="Messages read from the input topics.",
        act="Compare with what is published. Zero while lag grows: the process hangs, or waits for room in flight.",
    )
    events_finished = Counter(
        meaning="Events whose chain ended, or that have no bindings.",
        act="Should follow the consumed interactions. If it stands still, look at waits and in-flight gauges.",
    )
    outcomes = Counter(
        "connector", "action", "outcome", "reason",
        meaning="Outcomes of bindings: succeeded, failed, skipped or expired; with the reason of a failure.",
        act="Failures: read their dead letters (`prompt-actions dead-letters list`); the reason says who must act.",
    )  # fmt: skip
    calls = Counter(
        "connector", "status_class",
        meaning="HTTP calls by the class of their status, or the phase in which they broke off.",
        act="Many 5xx or connect: the vendor's status page. Many 4xx: parameters or settings of bindings.",
    )  # fmt: skip
    call_duration_seconds = Histogram(
        "connector",
        meaning="Time of an HTTP call from start to end.",
        act="If it rises, the vendor is slow: check its status page; allow more calls at once if it does.",
    )
    retries = Counter(
        "connector", "reason",
        meaning="Calls that were made again.",
        act="A few are normal. A steady rate means a vendor in trouble or a rate limit set too high.",
    )  # fmt: skip
    waits = Counter(
        "connector", "cause",
        meaning="Chains that were parked: retry, circuit, limit, settings, attributes or order.",
        act="settings: mend credentials. circuit: the vendor is down. attributes: they are synced too late.",
    )  # fmt: skip
    waiting = Gauge(
        "cause",
        meaning="Chains that are parked now.",
        act="It falls by itself when the cause is gone. If it grows for long, see which connector's waits grow.",
    )
    in_flight_chains = Gauge(
        meaning="Chains begun and neither ended nor parked.",
        act="At its limit all the time: vendors are slower than the events come; add processes or raise the limit.",
    )
    in_flight_calls = Gauge(
        "connector",
        meaning="HTTP calls under way.",
        act="At the connector's limit all the time: its concurrency limit is what slows it down.",
    )
    event_age_seconds = Histogram(
        meaning="From an event's time on the broker to the end of its chain.",
        act="The time that a user waits for the effect. If it rises: lag, slow vendors or parked chains.",
        buckets=AGE_BUCKETS,
    )
    consumer_lag = Gauge(
        "topic", "partition",
        meaning="Messages in an assigned partition that were not yet read.",
        act="If it grows steadily, add processes (up to the number of partitions).",
    )  # fmt: skip
    state_bytes = Gauge(
        "store",
        meaning="Disk space of the local stores.",
        act="Keep twice as much free; a full disk stops the process.",
    )
    state_keys = Gauge(
        "store",
        meaning="Entries in the local stores, as estimated by them.",
        act="Attributes follow the number of users; open chains should be few.",
    )
    restore_remaining = Gauge(
        "store",
        meaning="Changelog records still to be read before an assigned partition starts.",
        act="Falls to zero after a start or rebalance. If it stands still, look at the broker.",
    )
    restore_seconds = Gauge(
        meaning="How long the last restore of a partition took.",
        act="If it hurts, keep the state directory over restarts, or use static membership.",
    )
    checkpoints = Counter(
        "result",
        meaning="Checkpoints by result: committed, aborted or failed.",
        act="aborted at a rebalance is routine. failed: look at the broker's health and the transaction timeout.",
    )
    checkpoint_duration_seconds = Histogram(
        meaning="Time of a checkpoint from its start to its commit.",
        act="Over a second: the broker is slow, and calls that must be marked wait for it.",
        buckets=CHECKPOINT_BUCKETS,
    )
    checkpoint_records = Gauge(
        meaning="Records in the last checkpoint.",
        act="For judging the checkpoint interval; nothing to do.",
    )
    books_events_in = Gauge(
        meaning="Events taken in since start.",
        act="Must equal finished + parked + in flight; if not, report it as a bug.",
    )
    books_events_finished = Gauge(meaning="Of those, ended.", act="See books_events_in.")
    books_events_parked = Gauge(meaning="Of those, parked durably.", act="See books_events_in.")
    books_events_in_flight = Gauge(meaning="Of those, under way.", act="See books_events_in.")
    books_bindings_planned = Gauge(
        meaning="Bindings planned for the ended events since start.",
        act="Must equal the outcomes; if not, report it as a bug.",
    )
    books_outcomes = Gauge(meaning="Outcomes of those bindings.", act="See books_bindings_planned.")
    config_reloads = Counter(
        "result",
        meaning="Changes of the configuration: taken or refused.",
        act="refused: the running one was kept; `prompt-actions config validate` says why.",
    )
    config_version_info = Gauge(
        "version",
        meaning="1 for the configuration version that runs.",
        act="Should be the same in all processes within a second of a change.",
    )
    connector_paused = Gauge(
        "connector",
        meaning="Number of apps for which the connector is paused, since its settings are wrong.",
        act="Mend the credentials; the parked chains then run by themselves. The log names the app.",
    )
    circuits_open = Gauge(
        "connector",
        meaning="Number of apps for which the connector's circuit is open, since the vendor fails.",
        act="Check the vendor's status page; it closes by itself after a probe that succeeds.",
    )
    undecodable = Counter(
        "code",
        meaning="Messages that could not be read.",
        act="Mend the producer, then replay the dead letters.",
    )
    duplicates = Counter(
        meaning="Events that came again within the duplicates window and were not run again.",
        act="A few are normal after restarts. Many: a producer publishes its events twice.",
    )
    misplaced = Counter(
        "topic",
        meaning="Messages in another partition than their key belongs to; forwarded to their own.",
        act="Set `partitioner=murmur2_random` in the producer; `prompt-actions doctor` names it.",
    )
    dead_letters = Counter(
        "connector", "reason",
        meaning="Dead letters written.",
        act="`prompt-actions dead-letters list --connector ...`; mend the cause, then replay.",
    )  # fmt: skip
    rebalances = Counter(
        "kind",
        meaning="Partitions assigned, revoked and lost.",
        act="lost, or many of them: the process is too slow for its session; look at CPU and at loop_turn_seconds.",
    )
    loop_turn_seconds = Gauge(
        meaning="The longest turn of the loop since the last scrape interval.",
        act="Over a second: the machine is overloaded, or one event is very large.",
    )
    build_info = Gauge(
        "version", "python", "librdkafka", "libcurl", "engine",
        meaning="1, with the versions that run; `engine` is compiled or interpreted.",
        act="For comparing processes after an upgrade.",
    )  # fmt: skip

    def __init__(self) -> None:
        for name, declared in declarations().items():
            setattr(self, name, declared.empty())
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(_Scrape(self))
        ProcessCollector(registry=self.registry)

    def outcome(self, connector: str, action: str, outcome: str, reason: str = "") -> None:
        """Count how one binding ended."""
        self.outcomes.add(connector, action, outcome, reason)

    def call(self, connector: str, status_class: str, seconds: float) -> None:
        """Count one HTTP call and its time."""
        self.calls.add(connector, status_class)
        self.call_duration_seconds.observe(seconds, connector)


class _Scrape(Collector):
    """Reads the plain numbers when Prometheus asks."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        for name in declarations():
            yield getattr(self._metrics, name).family()


def declarations() -> dict[str, Series]:
    """All metrics by the name of their attribute, in the order of this file."""
    return {name: value for name, value in vars(Metrics).items() if isinstance(value, Series)}


def status_class(status: int) -> str:
    """The label for a status: "2xx", "4xx"; 429 stands for itself, since it means something else."""
    return "429" if status == 429 else f"{status // 100}xx"


def table() -> str:
    """The operator's table of all metrics, in Markdown."""
    lines = ["| metric | labels | meaning | what to do |", "|---|---|---|---|"]
    lines.extend(
        f"| `{one.name}` ({one.kind}) | {', '.join(one.labels) or '-'} | {one.meaning} | {one.act} |"
        for one in declarations().values()
    )
    return "\n".join(lines)
