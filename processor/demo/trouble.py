"""The scripted trouble: who meets which failure, told to the emulators before the stream begins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from processor.demo.people import Person, full, viewer
from processor.demo.script import OUTAGE_BEGINS, Cue, Scene, Writer
from testkit.vendors import Control

ACCEPT = Scene("stay_discount", "accept", 1)
OUTAGE_SECONDS = 3.0
DOWN = "zendesk"
NO_COUPON = {"error": {"type": "invalid_request_error", "code": "resource_missing", "message":
                       "No such coupon: 'SAVE20'", "param": "discounts[0][coupon]"}}


class Role(NamedTuple):
    """One user who meets one kind of trouble."""

    name: str
    shows: str
    """In a few words, for the screen and the page about the demo."""


BUSY = Role("ines-unlucky", "503 twice, then taken: tried again")
LIMITED = Role("tom-queue", "429 with Retry-After: waits, parked, then taken")
CUT = Role("kim-cutoff", "connection lost after the charge: repeated under the same idempotency key, one effect")
COUPON = Role("gus-nocoupon", "the coupon is gone: rejected, the mail behind it skipped")
DOUBT = Role("liv-doubt", "mail taken, answer lost: in doubt, never repeated by itself")
NAMELESS = Role("max-nodata", "never synced: missing attributes, after the grace")
LATE = Role("pia-late", "synced after the event: woken when the attributes arrive")
OLD = Role("ben-old", "an event of five days ago: coupon given, mail expired")
TWICE = Role("eva-twice", "published twice: run once")
ROLES = (BUSY, LIMITED, CUT, COUPON, DOUBT, NAMELESS, LATE, OLD, TWICE)


def cast() -> list[Person]:
    """The users of the roles, but for those about whom nothing is synced beforehand."""
    return [viewer(role.name, **full(role.name)) for role in ROLES if role not in (NAMELESS, LATE)]


def script(writer: Writer, seconds: float) -> Iterator[Cue]:
    """What they do, spread over the stream."""
    everybody = {role: viewer(role.name, **full(role.name)) for role in ROLES}
    steps = iter(range(1, 100))

    def next_at() -> float:
        return seconds * 0.07 * next(steps)

    for role in (BUSY, NAMELESS, LIMITED, LATE, COUPON, DOUBT, CUT):
        at = next_at()
        yield Cue(at, "event", writer.event(everybody[role], ACCEPT, at))
        if role is LATE:
            yield Cue(at + 1.2, "attributes", person=everybody[LATE])
    at = next_at()
    yield Cue(at, "event", writer.event(everybody[OLD], ACCEPT, at, age_days=5))
    at = next_at()
    again = writer.event(everybody[TWICE], ACCEPT, at)
    yield Cue(at, "event", again)
    yield Cue(at + 0.5, "event", again)
    yield Cue(next_at(), "garbage")


def prepare(control: Control) -> None:
    """Tell the emulators whom to fail, and how."""
    control.fault(vendor="stripe", contains=BUSY.name, status=503, times=2)
    control.fault(vendor="stripe", contains=LIMITED.name, status=429, retry_after=2, times=1)
    control.fault("reset", vendor="stripe", method="POST", contains=CUT.name, taken=True, times=1)
    control.fault(vendor="stripe", method="POST", contains=COUPON.name, status=400, body=NO_COUPON)
    control.fault("reset", vendor="sendgrid", contains=DOUBT.name, taken=True, times=1)


class Outage:
    """A vendor that is down for a while, in the middle of the stream."""

    def __init__(self, control: Control, seconds: float) -> None:
        self._control = control
        self._begins = seconds * OUTAGE_BEGINS
        self._rule = 0
        self.state = "to come"
        """`to come`, `down`, `over`."""

    def turn(self, at: float) -> str:
        """Begin or end it when its time has come; what there is to tell, or nothing."""
        if self.state == "to come" and at >= self._begins:
            self._rule = self._control.fault(vendor=DOWN, status=503)
            self.state = "down"
            return f"{DOWN} goes down for {OUTAGE_SECONDS:g} s (scripted)"
        if self.state == "down" and at >= self._begins + OUTAGE_SECONDS:
            return self.end()
        return ""

    def end(self) -> str:
        """The vendor is up again, if it was down."""
        was_down, self.state = self.state == "down", "over"
        if not was_down:
            return ""
        self._control.clear(self._rule)
        return f"{DOWN} is up again (scripted)"
