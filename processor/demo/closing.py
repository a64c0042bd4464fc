"""What the demo says at its end: totals, the books, where things are, what to try next."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence

from processor.demo.face import REASON_WORDS, View, short, waits
from processor.demo.stage import Stage, Wish
from processor.demo.trouble import ROLES
from processor.demo.verdict import Check, Evidence

COLUMNS = ("succeeded", "failed", "skipped", "expired")

NOT_EXACTLY = ": it keeps no offsets of transactions; a real one has exactly_once"


def closing(stage: Stage, wish: Wish, view: View, found: Evidence, checks: Sequence[Check]) -> Iterator[str]:
    """Lines of text; those that begin without a space are headings."""
    yield from _totals(view, found)
    yield from _connectors(found)
    yield from _checks(checks)
    yield from _places(stage, wish, view, found)
    yield from _next()


def _totals(view: View, found: Evidence) -> Iterator[str]:
    tally = found.tally
    kinds = ", ".join(f"{count} {name}" for name, count in tally.kinds.most_common())
    yield f"In {view.at:.0f} s"
    kinds += f", {tally.garbage} unreadable" if tally.garbage else ""
    yield f"  {tally.synced} attribute records, then {tally.published} interactions: {kinds}"
    came = f"{tally.outcomes} outcomes, {view.pulse.retries} retries, {view.pulse.duplicates} duplicates recognised"
    yield f"  {came}, {len(tally.letters)} dead letters"
    if tally.reasons:
        yield "  why bindings failed: " + ", ".join(
            f"{REASON_WORDS.get(name, name)} {count}" for name, count in tally.reasons.most_common())
    if view.pulse.waits:
        yield "  what waited: " + ", ".join(waits(view.pulse))


def _connectors(found: Evidence) -> Iterator[str]:
    yield "Outcomes"
    yield "  " + " " * 12 + "".join(f"{name:>11}" for name in COLUMNS)
    for connector, counts in sorted(found.tally.by_connector.items()):
        yield f"  {short(connector):<12}" + "".join(f"{counts[name] or '-':>11}" for name in COLUMNS)
    yield "Trouble that was scripted"
    for role in ROLES:
        yield f"  {role.name:<14} {role.shows}"


def _checks(checks: Sequence[Check]) -> Iterator[str]:
    yield "The books (an event counts once for its chain and once for its exports)"
    for one in checks:
        yield f"  {'ok  ' if one.good else 'BAD '} {one.says}"


def _places(stage: Stage, wish: Wish, view: View, found: Evidence) -> Iterator[str]:
    topics, repeated = stage.home.topics, sum(1 for one in found.tally.letters if one.failures)
    yield "Where things are"
    yield f"  broker        {view.where}, {stage.home.delivery}{'' if stage.home.real else NOT_EXACTLY}"
    yield f"  metrics       {view.address}/metrics while it ran (a fixed port with `run`: server.port)"
    yield f"  dead letters  topic {topics.dead_letters}: {repeated} with their event; filter by their headers"
    yield f"  results       topic {topics.results}"
    if wish.save is None:
        yield "  to read them  prompt-actions demo --save FOLDER leaves both as JSON lines, and the processor's log"
    else:
        yield f"  saved         {wish.save}: dead-letters.jsonl, results.jsonl, processor.log"
    if stage.home.real:
        yield "  topics        those of the demo " + ("stay" if wish.keep_topics else "were removed (--keep-topics)")


def _next() -> Iterator[str]:
    yield "What to try next"
    if shutil.which("prompt-actions") is None:
        yield f"  . {_activate()}".ljust(40) + "first, so that the shell finds the command"
    yield "  prompt-actions demo --keep            goes on until Ctrl-C; look at its metrics meanwhile"
    yield "  prompt-actions demo --kafka HOST:PORT the same on a real Kafka, exactly once"
    yield "  prompt-actions connectors list        what can be called, and what it needs"
    yield "  prompt-actions config validate        what just ran is config/; it names the secrets that are not here"
    yield "  docs/demo.md                          what was shown, and how to read a dead letter"


def _activate() -> str:
    """What brings the command into a shell, from where the demo was started if that is shorter."""
    return min(os.path.relpath(sys.prefix), sys.prefix, key=len) + "/bin/activate"
