"""The walk through the incident, step by step: what was typed, what the screen then showed, and the words between.

The words are made of what was seen, and every step holds the one before to its word; so a page made of them is true.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from testkit.incident.scene import APP, COUPON, FEW, SCHEMA, Effects, Scene
from testkit.incident.terminal import CTRL_C, Keys, Terminal

WHO = "olga"
ACCOUNTS = "accounts.csv"
INTERRUPT_AT = 0.4
"""Share of the letters that is sent when Ctrl-C is pressed."""
SECONDS_OF_RUN = 12.5
SLOWEST = 40
"""Letters a second."""


class Step(NamedTuple):
    """A command at the terminal, behind the words that lead to it; without a command these stand alone."""

    words: str
    typed: str = ""
    screen: str = ""
    code: int = 0


class Walk:
    """Goes through the incident; `steps` is what is to be told of it."""

    def __init__(self, scene: Scene, say: Callable[[str], None] = lambda _said: None) -> None:
        self._scene = scene
        self._share = scene.share
        self._say = say
        self._terminal = Terminal(scene.environment(), scene.site.folder)
        self.rate = max(SLOWEST, round(scene.share.total / SECONDS_OF_RUN))
        self.steps: list[Step] = []

    def go(self) -> None:
        """All of it; raises AssertionError where something is not as it should be."""
        self._scene.begin()
        self._scene.break_all()
        self._look()
        self._mend()
        self._replay()
        self._account()

    # looking

    def _look(self) -> None:
        share = self._share
        text = self._type("What failed, and how much of it is alike?", "dead-letters stats")
        for count, reason in zip(share, ("rejected", "missing_attributes", "undecodable"), strict=True):
            _holds(rf"{count} .*{reason} .* open ", text)
        text = self._type(
            "Three reasons, so three causes. One letter of each is looked at; the first has an event to name it by.",
            f"dead-letters show e{0:05d}")
        _holds(rf"(?s)rejected, resource_missing.*No such coupon: '{COUPON}'.*would run coupon.*would run thank", text)
        text = self._type("Somebody deleted the coupon at Stripe. The next:", f"dead-letters show e{10_000:05d}")
        _holds(r"missing_attributes", text)
        self._undecodable()

    def _undecodable(self) -> None:
        text = self._type(
            "The app does not sync `account` any more. What could not be read has no event; it is found by the list.",
            "dead-letters list --reason undecodable --limit 3")
        found = _holds(rf"([0-9a-f]{{10}}) .* undecodable .* unknown_schema(?s:.*)3 of {self._share.schema} letters",
                       text)
        text = self._type("", f"dead-letters show {found[1]}")
        _holds(rf"unknown_schema: schema id {SCHEMA}: .*not found", text)

    # mending

    def _mend(self) -> None:
        share = self._share
        text = self._type(
            "A producer was released whose schema nobody registered. What would a replay do, if it were made now?",
            "dead-letters replay --plan")
        _holds(rf"{share.coupon + share.attribute} letters would be replayed", text)
        _holds(rf"left out {share.schema}: still cannot be read \(unknown_schema\)", text)
        self._scene.restore_coupon()
        self._scene.write_accounts(self._scene.site.folder / ACCOUNTS)
        text = self._type(
            "Those would be left out; a coupon and an attribute are still missing for the others, which a plan cannot "
            "know. So the coupon is made again in Stripe's dashboard, and the attribute is synced, for now from a list "
            f"out of the app's database (`{ACCOUNTS}`: `user_id,account`).",
            f"attributes import {ACCOUNTS} --app {APP}")
        _holds(rf"\b{share.attribute}\b", text)
        self._scene.register_schema()
        text = self._type(
            "The producer's team registers its schema, and the processors are restarted, so that they need not wait "
            "for the minute after which they ask the registry again. The plan, once more:",
            "dead-letters replay --plan")
        _holds(rf"{share.total} letters would be replayed", text)
        _holds(rf"{share.coupon + share.attribute} from their failed step on, {share.schema} messages published", text)
        if "left out" in text:
            raise AssertionError(f"nothing is to be left out:\n{text}")

    # replaying

    def _replay(self) -> None:
        total = self._share.total
        text = self._type(
            f"Now in earnest, {self.rate} letters a second at most; somewhere in the middle, Ctrl-C.",
            f"dead-letters replay --as {WHO} --rate {self.rate}", [
                Keys(lambda seen: "[y/N]:" in seen, "y\n"),
                Keys(lambda seen: _sent(seen) >= INTERRUPT_AT * total, CTRL_C)], code=3)
        run = _holds(r"(?s)Plan of run (\w+).*Stopping after the step under way", text)[1]
        left = int(_holds(rf"stopped: (\d+) letters were not sent; `dead-letters replay --resume {run}`", text)[1])
        if not 0 < left < total:
            raise AssertionError(f"{left} of {total} were left: that was not in the middle")
        text = self._type(
            "What was sent ends by itself, the rest is as it was. The run is kept.", "dead-letters runs")
        _holds(rf"{run} .* interrupted .* {WHO} ", text)
        text = self._type("Another one of the same letters has to wait for it.", "dead-letters replay --yes", code=1)
        _holds(rf"run {run} of the same filter is not finished", text)
        text = self._type("So that one is gone on with.",
                          f"dead-letters replay --as {WHO} --resume {run} --rate {self.rate}")
        _holds(rf"Run {run}: {total} succeeded\.", text)

    # afterwards

    def _account(self) -> None:
        share = self._share
        self._scene.settle()
        text = self._type("What is left?", "dead-letters stats")
        for count, reason in zip(share, ("rejected", "missing_attributes", "undecodable"), strict=True):
            _holds(rf"{count} .*{reason} .* succeeded ", text)
        text = self._type("Nothing is open. The first letter, and how it ended:", f"dead-letters show e{0:05d}")
        _holds(r"(?s)succeeded, replayed once.*is refused: a replay of it has succeeded", text)
        if wrong := self._wrong(self._scene.effects(), self._scene.outcomes(), self._scene.audited()):
            raise AssertionError("\n".join(wrong))
        balance = _holds(r"The books balance: .*? outcomes", self._terminal.run(["books"]).screen)[0]
        self.steps.append(Step(self._told(self._scene.effects(), self._scene.audited(), balance)))

    def _wrong(self, effects: Effects, outcomes: Counter[tuple[int, str, str]], audited: Counter[str]) -> list[str]:
        """What is not as it should be: each effect once, each binding with one outcome a run, each deed audited."""
        share = self._share
        wanted = {
            (0, "note", "succeeded"): share.coupon + FEW, (0, "coupon", "failed"): share.coupon,
            (0, "thank", "skipped"): share.coupon, (0, "switch", "failed"): share.attribute,
            (1, "coupon", "succeeded"): share.coupon, (1, "thank", "succeeded"): share.coupon,
            (1, "switch", "succeeded"): share.attribute, (0, "answered", "succeeded"): share.schema,
            (0, "coupon", "succeeded"): FEW, (0, "thank", "succeeded"): FEW, (0, "switch", "succeeded"): FEW}
        calls = {"take": share.coupon + FEW + share.schema, "once": share.coupon + FEW,
                 "account": share.attribute + FEW}
        did = {"replayed": share.coupon + share.attribute, "published again": share.schema, "run interrupted": 1,
               "run sent": 1}
        return [
            *(f"{action}: {len(effects.of(action))} effects instead of {count}" for action, count in calls.items()
              if len(effects.of(action)) != count),
            *([] if len(effects.coupons) == share.coupon + FEW else [f"{len(effects.coupons)} users have a coupon"]),
            *(f"{what} happened {times} times" for what, times in (effects.coupons + effects.calls).items()
              if times != 1),
            *([] if outcomes == wanted else [f"outcomes: {outcomes}"]),
            *([] if audited == did else [f"audited: {audited}"])]

    def _told(self, effects: Effects, audited: Counter[str], balance: str) -> str:
        """The end of the story, in figures."""
        rows = [("stripe: coupons given", effects.coupons), ("custom_api: notes and answers", effects.of("take")),
                ("custom_api: plans switched", effects.of("account")),
                ("custom_api: thanks, which must not be repeated", effects.of("once"))]
        table = "\n".join(f"| {name} | {sum(found.values())} | {len(found)} | {max(found.values())} |"
                          for name, found in rows)
        deeds = ", ".join(f"{count} `{did}`" for did, count in sorted(audited.items()))
        return (
            f"What the emulated vendors have in their own ledgers ({FEW} users of each prompt, for whom all went well "
            f"before the incident, are among them):\n\n"
            "| effect | happened | for so many events | most often for one |\n"
            f"|---|---|---|---|\n{table}\n\nThe audit (`prompt-actions.audit`) has a line for each: {deeds}. "
            f"`prompt-actions books` says: *{balance}*.")

    # at the terminal

    def _type(self, words: str, typed: str, keys: Sequence[Keys] = (), code: int = 0) -> str:
        """One command; what the screen showed."""
        self._say(f"$ prompt-actions {typed}")
        shown = self._terminal.run(typed.split(), keys)
        self._say(shown.screen)
        if shown.code != code:
            raise AssertionError(f"`{typed}` ended with {shown.code} instead of {code}:\n{shown.screen}")
        self.steps.append(Step(words, typed, shown.screen, shown.code))
        return shown.screen


def _holds(pattern: str, text: str) -> re.Match[str]:
    """The place where a screen shows what the words beside it say."""
    found = re.search(pattern, text)
    if found is None:
        raise AssertionError(f"nothing there is like {pattern}:\n{text}")
    return found


def _sent(screen: str) -> int:
    """How many letters the bar has as sent."""
    found = re.search(r"sent +\S* +(\d+)/\d+", screen)
    return int(found[1]) if found else 0
