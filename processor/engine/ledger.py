"""Writes down how things ended: results, receipts, dead letters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from connectors.kit.errors import as_said
from processor.engine import room
from processor.engine.chain import EXPORTS
from processor.model.dead_letter import DeadLetter, FailedBinding, Origin
from processor.model.letter_headers import letter_headers
from processor.model.outcome import ActionResult, Receipt

if TYPE_CHECKING:
    from connectors.kit.errors import Failure
    from processor.engine.books import Books
    from processor.engine.chain import Chain
    from processor.engine.counts import Counts
    from processor.engine.options import EngineOptions
    from processor.engine.partition import Partition, Record

NO_DETAIL: Final[dict[str, str]] = {}


def letter_id(chain: Chain) -> str:
    """The last part of a dead letter's key: the event, and its exports apart from its chain."""
    return chain.event.event_id + EXPORTS if chain.exports_only else chain.event.event_id


class Ledger:
    """Results and dead letters, encoded at once and left in the partition's outbox."""

    def __init__(self, codec: Any, options: EngineOptions, metrics: Counts, books: Books,
                 report: Callable[..., None]) -> None:
        self._result = codec.encode_result
        self._dead_letter = codec.encode_dead_letter
        self._options = options
        self._topics = options.topics
        self._result_room = options.room(options.topics.results) - room.IDS * 4 - room.OVERHEAD
        self._metrics = metrics
        self._books = books
        self._report = report
        """Called with each ended event, for log and demo: (kind, chain, facts)."""

    def outcome(
        self, chain: Chain, step: Any, outcome: str, now: float, *, note: str = "", reason: str = "", code: str = "",
        message: str = "", reference: Any = "", request_id: str = "", status: int = 0, detail: Any = NO_DETAIL,
        attempts: int = 0, action_id: str = "", keep: bool = True,
    ) -> None:
        """One binding ended: its result goes out with the next checkpoint, its receipt stays with the chain.

        `reference` and `detail` are as a connector took them from a vendor's answer.
        """
        event, partition = chain.event, chain.partition
        if type(reference) is not str:
            reference = as_said(reference)
        if detail:
            detail = {str(name): as_said(value) for name, value in detail.items()}
        finished, started = int(now * 1000), int(chain.begun_at * 1000)
        version, known = chain.plan.version, chain.known or chain.look_up()
        action = action_id or step.action_id
        result = ActionResult(
            event.event_id, event.app_id, event.user_id, event.prompt_id, event.interaction, event.time, chain.run,
            step.id, step.position, step.connector_id, action, outcome, note, reason, code, message, reference,
            request_id, status, attempts, started, finished, version, known.offset, known.time, detail, chain.planned,
        )
        data = self._result(result)
        if len(data) > self._result_room:
            data = self._result(room.cut_result(result))
        partition.outbox.append((self._topics.results, chain.user.encode(), data, partition.number))
        books = self._books
        books.outcomes += 1
        books.open_bindings -= 1
        self._metrics.outcome(step.connector_id, action, outcome, reason)
        if keep:
            chain.keep(Receipt(
                step.id, outcome, note, reason, code, message, reference, request_id, status, attempts, started,
                finished, version, detail,
            ))
            partition.dirty[chain] = None
        self._report("outcome", chain, result)

    def failed(self, chain: Chain, step: Any, failure: Failure, now: float, *, attempts: int, exchange: Any,
               action_id: str = "") -> None:
        """Keep a failure for the event's dead letter."""
        first = chain.first_failed_at or now
        chain.fail(FailedBinding(
            step.id, step.position, step.connector_id, action_id or step.action_id, failure.reason,
            failure.code, failure.message, failure.status, failure.request_id, attempts,
            int(first * 1000), int(now * 1000),
            chain.generation, exchange,
        ))

    def event_ended(self, chain: Chain, now: float) -> None:
        """All bindings have outcomes: a dead letter where any of them failed; a replay's end supersedes its letter."""
        if chain.run:
            self._name_unknown(chain, now)
        if chain.failures:
            first = min(chain.failures, key=lambda one: one.first_failed_at)
            letter = self._letter(chain, now, "open", first.reason, first.message)
            self._metrics.dead_letter(first.connector, first.reason)
            self._report("dead_letter", chain, letter)
        elif chain.run:
            done = [one.outcome for name, one in chain.ended.items() if name in chain.only]
            expired = len(done) == len(chain.only) and set(done) == {"expired"}
            self._letter(chain, now, "closed" if expired else "succeeded", "",
                         f"replay {chain.run} {'came too late: expired' if expired else 'succeeded'}")

    def _letter(self, chain: Chain, now: float, state: str, reason: str, message: str) -> DeadLetter:
        """Write the event's letter; a later one of its key supersedes it."""
        event, ended = chain.event, chain.ended.values()
        done = [one for one in ended if one.outcome in ("succeeded", "expired")]
        known = chain.known or chain.look_up()
        letter = DeadLetter(
            event.app_id, event.user_id, event.event_id, state, reason, message, chain.run, chain.origin_of(), event,
            chain.failures or (), done, self._remaining(chain) if state == "open" else (), chain.plan.version,
            known.attributes, known.offset, int(now * 1000), chain.run,
        )
        self._put(chain.partition, f"{chain.user}:{letter_id(chain)}".encode(), letter)
        return letter

    def _remaining(self, chain: Chain) -> list[str]:
        settled = {one.binding_id for one in chain.ended.values() if one.outcome in ("succeeded", "expired")}
        steps: tuple[Any, ...] = chain.plan.exports if chain.exports_only else chain.plan.steps
        found = [step.id for step in steps if step.id not in settled and (not chain.only or step.id in chain.only)]
        return found + [one.binding_id for one in chain.failures or () if one.binding_id not in found]

    def _name_unknown(self, chain: Chain, now: float) -> None:
        """A replay that asks for bindings which nobody configures any more has not brought them to an end."""
        known = {step.id for step in chain.plan.steps} | {step.id for step in chain.plan.exports}
        at = int(now * 1000)
        for name in chain.only:
            if name not in known and name not in chain.ended:
                chain.fail(FailedBinding(name, -1, name.partition(".")[0], "", "rejected", "not_configured",
                                         "no such binding is configured any more", 0, "", 0, at, at))

    def undecodable(self, partition: Partition, origin: Origin, failure: Failure, now: float) -> None:
        """A message that cannot be read becomes a dead letter with its raw bytes."""
        letter = DeadLetter(
            "", "", "", "open", failure.reason, f"{failure.code}: {failure.message}", 0, origin, None, (), (), (), "",
            {}, -1, int(now * 1000),
        )
        self._put(partition, f"{origin.topic}:{origin.partition}:{origin.offset}".encode(), letter)
        self._metrics.undecodable(failure.code)
        self._metrics.dead_letter("", failure.reason)
        self._report("undecodable", None, letter)

    def held(self, partition: Partition, letter: DeadLetter) -> None:
        """A letter in doubt was sent again by a tool that cannot say whether somebody looked at the vendor."""
        note = "sent again, but in doubt: look at the vendor, then `dead-letters replay --after-checking`, or close it"
        ident = letter.event_id + (EXPORTS if all(one.position < 0 for one in letter.failures) else "")
        self._put(partition, f"{letter.app_id}:{letter.user_id}:{ident}".encode(), letter._replace(note=note))

    def _put(self, partition: Partition, key: bytes, letter: DeadLetter) -> None:
        """Encode; a letter that would not fit refers to the original message instead of repeating it."""
        largest = self._options.room(self._topics.dead_letters)
        record = self._letter_record(partition, key, letter)
        if room.size_of(record) > largest:
            record = self._letter_record(partition, key, room.without_original(letter))
        if room.size_of(record) > largest:
            record = self._letter_record(partition, key, room.bare(letter))
        partition.outbox.append(record)

    def _letter_record(self, partition: Partition, key: bytes, letter: DeadLetter) -> Record:
        return self._topics.dead_letters, key, self._dead_letter(letter), partition.number, letter_headers(letter)
