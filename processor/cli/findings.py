"""What the doctor looks at: each check says in plain words what it found and how to mend it."""

from __future__ import annotations

import resource
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from processor.config.durations import spoken
from processor.kafka.admin import KafkaUnreachableError, TopicAdmin
from processor.kafka.murmur2 import partition_of
from processor.kafka.sample import Sampled, last_records
from processor.kafka.topics import TopicSpec, TopicState, plan
from processor.kafka.topics_file import read_topics, topics_path

if TYPE_CHECKING:
    from processor.config.model import Configuration
    from processor.settings import ProcessorSettings, RegistrySettings

State = Literal["ok", "problem", "unknown"]

SAMPLE_EACH = 200
SPARE_DESCRIPTORS = 1000
"""For stores, brokers and idle connections, beside one for each call in flight."""
LEAST_FREE_BYTES = 1 << 30
CLOCK_TOLERANCE = 5.0
ANSWER_SECONDS = 5.0
MARGIN = 1.25
"""How much longer ids of ended events are kept than the duplicates window."""
VITAL_SETTINGS = ("cleanup.policy", "delete.retention.ms", "message.timestamp.type")
"""With another value of these, records that are needed would vanish, or the join would compare wrong times."""


class Finding(NamedTuple):
    """One thing that was looked at."""

    check: str
    state: State
    says: str
    mend: str = ""


def ok(check: str, says: str) -> Finding:
    """Nothing to do."""
    return Finding(check, "ok", says)


def problem(check: str, says: str, mend: str) -> Finding:
    """Something to mend."""
    return Finding(check, "problem", says, mend)


def unknown(check: str, says: str) -> Finding:
    """Something that could not be looked at."""
    return Finding(check, "unknown", says)


def of_kafka(settings: ProcessorSettings, configuration: Configuration | None) -> Iterator[Finding]:
    """Brokers, topics, where keys lie, the clock."""
    admin = TopicAdmin(settings.kafka.client(), ANSWER_SECONDS)
    specs = read_topics(topics_path(settings.config_folder), dict(settings.topics))
    try:
        present = admin.state([spec.name for spec in specs])
    except KafkaUnreachableError as error:
        yield problem("broker", str(error), "Start it, or mend the setting kafka.bootstrap_servers.")
        yield unknown("topics, keys, clock", "not looked at, since no broker answers")
        return
    yield ok("broker", f"answers at {settings.kafka.bootstrap_servers}")
    yield from of_topics(specs, present)
    yield from of_window(specs, present, configuration)
    sampled = _sample(settings, present)
    yield from of_keys(sampled, {name: state.partitions for name, state in present.items()})
    yield of_clock(sampled, time.time())


def of_topics(specs: tuple[TopicSpec, ...], present: Mapping[str, TopicState]) -> Iterator[Finding]:
    """Missing topics, numbers of partitions, and settings on which records depend."""
    apply = "`prompt-actions topics apply` does it."
    found = 0
    for change in plan(specs, present):
        if change.kind == "create":
            yield problem("topics", f"{change.topic} is missing", apply)
        elif change.kind == "problem":
            yield problem("topics", f"{change.topic} {change.says}", "See `prompt-actions topics plan`.")
        elif any(name in VITAL_SETTINGS for name in change.settings):
            yield problem("topics", f"{change.topic}: {change.says}", apply)
        else:
            yield ok("topics", f"{change.topic} works, but differs from topics.yaml: {change.says}")
        found += 1
    if not found:
        yield ok("topics", f"all {len(specs)} are there and as they should be")


def of_window(specs: Iterable[TopicSpec], present: Mapping[str, TopicState],
              configuration: Configuration | None) -> Iterator[Finding]:
    """Ids of ended events must be kept for longer than any app looks for duplicates."""
    spec = next(one for one in specs if one.role == "finished")
    kept = float(present[spec.name].settings.get("retention.ms", "-1")) / 1000 if spec.name in present else -1.0
    for app in configuration.apps.values() if configuration else ():
        if 0 <= kept < app.duplicates_window * MARGIN:
            yield problem("duplicates", f"app {app.id} looks for duplicates over {spoken(app.duplicates_window)}, but "
                          f"{spec.name} is kept for {spoken(kept)} only",
                          f"Raise its retention.ms to {spoken(app.duplicates_window * MARGIN)} or more.")


def _sample(settings: ProcessorSettings, present: Mapping[str, TopicState]) -> list[Sampled]:
    inputs = (settings.topics.interactions, settings.topics.attributes, settings.topics.replays)
    places = [(name, number) for name in inputs if name in present for number in range(present[name].partitions)]
    return last_records(settings.kafka.client(settings.kafka.consumer_properties), places, SAMPLE_EACH)


def of_keys(sampled: Iterable[Sampled], partitions: Mapping[str, int]) -> Iterator[Finding]:
    """Records that another partitioner than murmur2 has placed; keys are not shown, since they name users."""
    wrong: dict[str, list[Sampled]] = {}
    seen: Counter[str] = Counter()
    for one in sampled:
        seen[one.topic] += 1
        if one.key is None or partition_of(one.key, partitions[one.topic]) != one.partition:
            wrong.setdefault(one.topic, []).append(one)
    for topic, records in wrong.items():
        yield problem("keys", f"{len(records)} of the last {seen[topic]} records of {topic} have no key, or lie in "
                      f"another partition than their key's, such as {_place(records[-1])}",
                      "Let every producer set partitioner=murmur2_random (Java's default; librdkafka's is another) "
                      "and key records by app_id:user_id. Until then each costs a detour.")
    if not wrong and seen:
        yield ok("keys", f"the last {seen.total()} input records lie where their keys belong")
    elif not seen:
        yield unknown("keys", "the input topics hold no record yet")


def _place(record: Sampled) -> str:
    return f"partition {record.partition} offset {record.offset}"


def of_clock(sampled: Iterable[Sampled], now: float) -> Finding:
    """A record from the future shows that a clock is wrong; none does not show that all are right."""
    newest = max((one.time_ms / 1000 for one in sampled), default=0.0)
    if not newest:
        return unknown("clock", "cannot be compared with the broker's before there is a record")
    ahead = newest - now
    if ahead > CLOCK_TOLERANCE:
        return problem("clock", f"the newest record is {ahead:.0f} s ahead of this machine's clock",
                       "Let this machine and the brokers take their time from NTP.")
    return ok("clock", "no record comes from the future")


def of_registry(registry: RegistrySettings | None) -> Iterator[Finding]:
    """The schema registry, where one is configured."""
    if registry is None:
        return
    import requests

    auth = (registry.username, registry.password.get_secret_value() if registry.password else "")
    try:
        answer = requests.get(f"{registry.url.rstrip('/')}/subjects", auth=auth if registry.username else None,
                              timeout=ANSWER_SECONDS)
    except requests.RequestException as error:
        yield problem("registry", f"no answer at {registry.url}: {type(error).__name__}",
                      "Start it, or mend the setting registry.url.")
        return
    if answer.ok:
        yield ok("registry", f"answers at {registry.url}")
    else:
        yield problem("registry", f"{registry.url} answers with status {answer.status_code}",
                      "Mend registry.username and registry.password." if answer.status_code in (401, 403)
                      else "Look into its log; is the address that of a schema registry?")


def of_state(settings: ProcessorSettings) -> Finding:
    """The folder of the local stores."""
    folder = settings.state.folder.absolute()
    there = next(one for one in (folder, *folder.parents) if one.exists())
    mend = "Mend the folder's owner, or name another one in the setting state.folder."
    try:
        with tempfile.TemporaryFile(dir=there) as trial:
            trial.write(b"x")
    except OSError as error:
        return problem("state", f"{folder} cannot be written to: {error.strerror}", mend)
    free = shutil.disk_usage(there).free
    if free < LEAST_FREE_BYTES:
        return problem("state", f"{folder} has {free >> 20} MiB left", "Make room, or name another folder.")
    return ok("state", f"{folder} can be written to, {free >> 30} GiB free")


def of_descriptors(settings: ProcessorSettings) -> Finding:
    """Every call in flight is a connection, and so a file descriptor."""
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    needed = settings.flow.max_in_flight + SPARE_DESCRIPTORS
    if allowed != resource.RLIM_INFINITY and allowed < needed:
        return problem("descriptors", f"{allowed} files may be open, {needed} may be needed",
                       f"ulimit -n {needed} (systemd: LimitNOFILE), or lower the setting flow.max_in_flight.")
    return ok("descriptors", f"{needed} may be needed and are allowed")
