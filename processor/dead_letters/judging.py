"""Whether a letter can be replayed, what would run, and what keeps an effect from being repeated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from connectors.kit.action import Repeat
from connectors.kit.errors import Undecodable
from processor.avro.codec import Codec
from processor.config.durations import spoken
from processor.config.model import App, Binding, Configuration, ExportBinding
from processor.model.dead_letter import DeadLetter, FailedBinding
from processor.model.replay import next_generation
from processor.settings import TopicSettings

UNSURE = ("unavailable", "in_doubt", "broken")
"""Reasons after which the vendor may have done it."""
UNSENT = ("no_connect", "timeout_connect", "no_dns", "timeout_dns", "no_tls", "timeout_tls", "circuit_open")
"""Codes of calls that surely never reached the vendor."""
PROTECTS: Mapping[Repeat, str] = {
    Repeat.HARMLESS: "doing it twice leaves the same state",
    Repeat.KEY: "the same idempotency key, which the vendor recognises",
    Repeat.LOOK_BEFORE: "it looks at the vendor first",
    Repeat.NEVER: "nothing but your having looked at the vendor",
}


class Options(NamedTuple):
    """How letters are to be replayed."""

    only_failed: bool = False
    """Run the failed bindings only, not those that were skipped behind them."""
    as_they_were: bool = False
    """Use the attributes of the letter, not those of now."""
    after_checking: bool = False
    """Somebody looked at the vendor: what is in doubt did not happen."""
    force: bool = False
    """Also what was replayed or closed before."""


class Rerun(NamedTuple):
    """One binding that a replay would run."""

    binding_id: str
    connector: str
    action: str
    generation: int
    """Of its idempotency keys."""
    expired: bool
    """Its maximum age is over: it would end as `expired`, without a call."""
    may_repeat: bool
    """Whether an earlier try may have reached the vendor."""
    protection: str
    """What keeps the effect from being repeated then."""


class Verdict(NamedTuple):
    """What becomes of one letter."""

    refused: str
    """Why it cannot be replayed; "" where it can."""
    reruns: Sequence[Rerun] = ()
    again: bool = False
    """Whether its message is published again, as it could not be read before."""


class Judge:
    """Judges letters by the configuration as it is now."""

    def __init__(self, configuration: Configuration, options: Options, codec: Codec, topics: TopicSettings) -> None:
        self._configuration = configuration
        self._options = options
        self._codec = codec
        self._interactions_topic = topics.interactions
        self._attributes_topic = topics.attributes

    def judge(self, letter: DeadLetter, now: float) -> Verdict:
        """Whether a letter can be replayed now, and what would run."""
        refused = self._by_state(letter)
        if refused:
            return Verdict(refused)
        if letter.reason == "undecodable":
            return self._unread(letter)
        if letter.origin.topic == self._attributes_topic:
            return Verdict("it is of a sync of attributes: sync the user again, the newest values count")
        if letter.origin.value is None or letter.event is None:
            return Verdict("its message was too large to be kept in it: publish the original again")
        app = self._configuration.apps.get(letter.app_id)
        if app is None:
            return Verdict(f"app '{letter.app_id}' is not configured any more")
        return self._chain(letter, app, now)

    def _by_state(self, letter: DeadLetter) -> str:
        if letter.state == "succeeded":
            return "a replay of it has succeeded"
        if letter.state == "open" or self._options.force:
            return ""
        if letter.state == "replayed":
            return "it is being replayed already; --force does it again"
        return f"it is {letter.state}; --force replays it all the same"

    def _unread(self, letter: DeadLetter) -> Verdict:
        value = letter.origin.value
        if letter.origin.topic not in (self._interactions_topic, self._attributes_topic):
            return Verdict(f"it stood in {letter.origin.topic}, where nothing is published again")
        try:
            if letter.origin.topic == self._attributes_topic:
                app_id = self._codec.attributes(value).app_id
            else:
                app_id = self._codec.event(value).app_id
        except Undecodable as failure:
            return Verdict(f"still cannot be read ({failure.code}): mend the schema, or --edit it")
        if app_id not in self._configuration.apps:
            return Verdict(f"app '{app_id}' is not configured")
        return Verdict("", again=True)

    def _chain(self, letter: DeadLetter, app: App, now: float) -> Verdict:
        bindings = _bindings(letter, app)
        failures = {one.binding_id: one for one in letter.failures}
        wanted = [one for one in letter.remaining if one in failures or not self._options.only_failed]
        there = [one for one in wanted if one in bindings]
        if not there:
            gone = f"{', '.join(wanted)} would run, but is not configured any more"
            return Verdict(gone if wanted else "nothing is left to run")
        reruns = [_rerun(bindings[one], failures.get(one), letter, now) for one in there]
        if all(one.expired for one in reruns):
            return Verdict("its maximum age is over: close it", reruns)
        return Verdict(self._in_doubt(reruns, failures, bindings, now), reruns)

    def _in_doubt(
        self, reruns: Sequence[Rerun], failures: Mapping[str, FailedBinding],
        bindings: Mapping[str, Binding | ExportBinding], now: float,
    ) -> str:
        if self._options.after_checking:
            return ""
        for one in reruns:
            failed = failures.get(one.binding_id)
            if failed is None or one.expired:
                continue
            if failed.reason == "in_doubt":
                return "in doubt: look at the vendor, then --after-checking"
            if one.may_repeat and _key_forgotten(bindings[one.binding_id], failed, now):
                return "the vendor has forgotten the idempotency key: look at it, then --after-checking"
        return ""


def _bindings(letter: DeadLetter, app: App) -> Mapping[str, Binding | ExportBinding]:
    event = letter.event
    chain = app.chain(event.prompt_id, event.interaction) if event else ()
    every: tuple[Binding | ExportBinding, ...] = (*chain, *app.exports)
    return {one.id: one for one in every if app.connectors[one.connector.id].active}


def _rerun(binding: Binding | ExportBinding, failed: FailedBinding | None, letter: DeadLetter, now: float) -> Rerun:
    may_repeat = failed is not None and failed.reason in UNSURE and failed.code not in UNSENT
    generation = 0 if failed is None else next_generation(failed)
    if isinstance(binding, ExportBinding):
        return Rerun(binding.id, binding.connector.id, binding.export.id, generation, expired=False,
                     may_repeat=may_repeat, protection="the item's own id, where the vendor knows such")
    age = now - (letter.event.time / 1000 if letter.event else now)
    return Rerun(
        binding.id, binding.connector.id, binding.action.id, generation,
        expired=binding.max_age is not None and age > binding.max_age, may_repeat=may_repeat,
        protection=protection(binding),
    )


def protection(binding: Binding) -> str:
    """What keeps a binding's effect from being repeated, in words."""
    repeat, keeps = binding.action.safety(binding.params, binding.settings), binding.action.keeps_keys
    kept = f" for {spoken(keeps)}" if repeat is Repeat.KEY and keeps else ""
    return PROTECTS[repeat] + kept


def _key_forgotten(binding: Binding | ExportBinding, failed: FailedBinding, now: float) -> bool:
    if isinstance(binding, ExportBinding) or binding.action.safety(binding.params, binding.settings) is not Repeat.KEY:
        return False
    return 0 < binding.action.keeps_keys <= now - failed.first_failed_at / 1000
