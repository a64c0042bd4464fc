"""The demo on a terminal: one calm picture, from 80 by 24 characters on."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from rich.console import Console, Group, RenderableType
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from processor.demo.face import View, clean, ending, short, took, waits, why
from processor.model.dead_letter import DeadLetter
from processor.model.outcome import ActionResult

CHAIN_EVERY = 0.8
"""Seconds between two chains that are shown: what goes faster cannot be read."""
KEPT = 60
STYLES = {"succeeded": "green", "failed": "red", "skipped": "yellow", "expired": "yellow"}
MARKS = {"succeeded": "+", "failed": "x", "skipped": "-", "expired": "~"}
COLUMNS = ("succeeded", "failed", "skipped", "expired")
ROOM_FOR_HEAD, ROOM_FOR_FOOT = 5, 10


class Trouble(NamedTuple):
    """One thing that failed, or that the demo did."""

    at: float
    what: str
    why: str
    style: str


class Screen:
    """Shows the chains as they end, what failed, what waits, and the sums."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._chains: dict[str, list[ActionResult]] = {}
        self._shown: deque[list[ActionResult]] = deque(maxlen=KEPT)
        self._next: list[ActionResult] | None = None
        self._shown_at = -CHAIN_EVERY
        self._troubles: deque[Trouble] = deque(maxlen=KEPT)
        self._live = Live(console=console, screen=True, auto_refresh=False)
        self._live.start()

    def note(self, at: float, text: str) -> None:
        """Something that the demo itself did."""
        self._troubles.append(Trouble(at, text, "", "cyan"))

    def heard(self, at: float, facts: ActionResult | DeadLetter) -> None:
        """Collect outcomes by chain; keep failures."""
        if isinstance(facts, DeadLetter):
            if not facts.failures:
                self._troubles.append(Trouble(at, "undecodable message", facts.message, "red"))
            return
        if facts.outcome == "failed":
            self._troubles.append(Trouble(at, f"{short(facts.connector)}.{facts.action}", why(facts), "red"))
        if facts.position >= 0:
            self._collect(facts)

    def _collect(self, result: ActionResult) -> None:
        chain = self._chains.setdefault(result.event_id, [])
        chain.append(result)
        if len(self._chains) > KEPT:
            del self._chains[next(iter(self._chains))]
        known = self._next is not None and self._weight(self._next) >= self._weight(chain)
        if not known or self._next is chain:
            self._next = chain

    @staticmethod
    def _weight(chain: list[ActionResult]) -> int:
        """Which of several chains is shown: one with something amiss, else the longest."""
        return len(chain) + 10 * sum(1 for one in chain if one.outcome != "succeeded")

    def turn(self, view: View) -> None:
        """Draw."""
        if self._next is not None and view.at - self._shown_at >= CHAIN_EVERY:
            if not any(one is self._next for one in self._shown):
                self._shown.append(self._next)
            self._next, self._shown_at = None, view.at
        self._live.update(self._picture(view), refresh=True)

    def close(self) -> None:
        """Give the terminal back."""
        self._live.stop()

    def _picture(self, view: View) -> RenderableType:
        height = self._console.size.height
        foot = max(ROOM_FOR_FOOT, height // 3)
        layout, lower = Layout(), Layout(size=foot)
        lower.split_row(Layout(self._connectors(view), size=37), Layout(self._trouble(foot - 2)))
        layout.split_column(Layout(_head(view), size=ROOM_FOR_HEAD),
                            Layout(self._feed(height - foot - ROOM_FOR_HEAD - 2)), lower)
        return layout

    def _feed(self, room: int) -> RenderableType:
        """The last chains that fit, whole ones."""
        lines: list[Text] = []
        for chain in reversed(self._shown):
            block = _chain(chain)
            if len(lines) + len(block) > room:
                break
            lines = block + lines
        return Panel(Group(*lines), title="chains (a sample)", title_align="left", border_style="dim")

    def _connectors(self, view: View) -> RenderableType:
        table = Table(box=None, padding=(0, 1, 0, 0), expand=True)
        table.add_column("", no_wrap=True, overflow="ellipsis")
        for name in ("ok", "fail", "skip", "exp"):
            table.add_column(name, justify="right", no_wrap=True)
        for connector, counts in sorted(view.tally.by_connector.items()):
            down = connector in view.pulse.circuits
            table.add_row(Text(short(connector), style="red" if down else ""),
                          *(Text(str(counts[name] or ""), style=STYLES[name]) for name in COLUMNS))
        return Panel(table, title="outcomes", title_align="left", border_style="dim")

    def _trouble(self, room: int) -> RenderableType:
        lines: list[Text] = []
        for one in self._troubles:
            lines.append(_line((f"{one.at:3.0f}s ", "dim"), (one.what, one.style)))
            if one.why:
                lines.append(_line(f"     {one.why}"))
        return Panel(Group(*lines[-room:]), title="what failed, and why", title_align="left", border_style="dim")


def _head(view: View) -> RenderableType:
    pulse, tally = view.pulse, view.tally
    kinds = "  ".join(f"{name} {count}" for name, count in tally.kinds.most_common(6))
    down = f"circuit open: {', '.join(pulse.circuits)}  " if pulse.circuits else ""
    return Group(
        _line(("prompt-actions demo", "bold"), f"  {view.at:.0f} s  {view.phase}"),
        _line((f"{view.where}  metrics {view.address}/metrics", "dim")),
        _line((f"in {tally.published}", "bold"), f"  {kinds}"),
        _line((f"done {pulse.finished}", "bold green"), f"  in flight {pulse.in_flight}  ",
              (f"parked {pulse.parked}", "yellow" if pulse.parked else ""),
              f"  retries {pulse.retries}  dead letters {len(tally.letters)}"),
        _line((down, "bold red"), ("waited ", "bold"), "  ".join(waits(pulse)) or "nothing yet"),
    )


def _line(*parts: str | tuple[str, str]) -> Text:
    """One line that is cut where the terminal ends."""
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")


def _chain(results: list[ActionResult]) -> list[Text]:
    first = results[0]
    head = _line((f"{first.app_id} {first.user_id}", "bold"), f"  {first.prompt_id}  {first.interaction}")
    return [head, *(_binding(one) for one in sorted(results, key=lambda one: one.position))]


def _binding(result: ActionResult) -> Text:
    style = STYLES[result.outcome]
    what = f"{short(result.connector)}.{result.action}"
    behind = why(result) if result.outcome == "failed" else result.reference
    time = f"{took(result):>7}"
    return _line((f" {MARKS[result.outcome]} ", style), f"{what:<31.31} ", (f"{ending(result):<10.24}", style),
                 (time, "dim"), f"  {clean(behind)}")
