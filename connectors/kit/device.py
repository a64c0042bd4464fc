"""The devices of a user: push tokens from attributes, and what became of a message to each of them.

A push token is personal data: in outcomes a device is named by the first 12 hexadecimal digits of the SHA-256 of its
token, which an app can work out from the tokens that it keeps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Literal, NamedTuple

from connectors.kit.action import Done, Flow
from connectors.kit.errors import MissingAttributes, Rejected
from connectors.kit.event import Call
from connectors.kit.http import Request, Response
from connectors.kit.prompt import filled
from connectors.kit.template import as_text

NAME_LENGTH = 12
NAMED_HELP = (f"In the outcome each device is named by the first {NAME_LENGTH} hexadecimal digits of the SHA-256 of"
              " its token, as sent or unregistered: tokens of the latter should be dropped.")
"""For the help of actions that send to devices."""

_BETWEEN = re.compile(r"[\s,;]+")


class Device(NamedTuple):
    """One device of the user."""

    token: str

    @property
    def name(self) -> str:
        """How outcomes, steps and dead letters name it."""
        return device_name(self.token)


def device_name(token: str) -> str:
    """The short stable digest that stands for a token."""
    return sha256(token.encode()).hexdigest()[:NAME_LENGTH]


def devices(call: Call[Any, Any], *attributes: str, clean: Callable[[str], str] = str) -> Sequence[Device]:
    """The user's devices, each once, in order: tokens of the named attributes, each a text or a list.

    Raises MissingAttributes where there is none.
    """
    tokens = [clean(token) for name in attributes for token in _tokens(call.attributes.get(name))]
    if not tokens:
        raise MissingAttributes(attributes)
    return [Device(token) for token in dict.fromkeys(tokens)]


def _tokens(value: Any) -> Sequence[str]:
    texts = value if isinstance(value, list) else [] if value is None else [str(value)]
    return [token for text in texts for token in _BETWEEN.split(text) if token]


def custom_data(call: Call[Any, Any], texts: Mapping[str, str]) -> dict[str, str]:
    """Custom data with placeholders filled; every value is text, as push vendors want it."""
    return {name: as_text(value) for name, value in filled(call, texts).items()}


def check_size(message: bytes, limit: int) -> None:
    """Raise Rejected where a message is longer than the vendor takes: nothing is sent to any device then."""
    if len(message) > limit:
        raise Rejected("payload_too_large", f"the message has {len(message)} bytes and may have {limit}: shorten the"
                                            " text or the custom data")


class DeviceEnd(NamedTuple):
    """What became of the message to one device."""

    device: Device
    state: Literal["sent", "unregistered", "refused"]
    """`unregistered`: the vendor takes nothing for this token any more, so the app should drop it."""
    reference: str = ""
    """The vendor's id of the message."""
    reason: str = ""
    """The vendor's word for a refusal."""
    more: Mapping[str, str] = {}
    """Further facts by name."""

    def detail(self) -> dict[str, str]:
        """The facts of this device for an outcome."""
        about = f"device.{self.device.name}"
        facts = {"reference": self.reference, "reason": self.reason, **self.more}
        return {about: self.state, **{f"{about}.{name}": value for name, value in facts.items() if value}}


def to_each(
    found: Sequence[Device], ask: Callable[[Device], Request | DeviceEnd], end: Callable[[Device, Response], DeviceEnd]
) -> Flow:
    """Send to each device, one after another; `ask` may know the end of one without a request."""
    ends: list[DeviceEnd] = []
    for device in found:
        asked = ask(device)
        if isinstance(asked, Request):
            asked = end(device, (yield asked))
        ends.append(asked)
    return sent_to(ends)


def sent_to(ends: Sequence[DeviceEnd]) -> Done:
    """The end of an action that wrote to several devices: done if one took it; raises Rejected where none did.

    The outcome names each device, and under `unregistered` those that should be dropped.
    """
    sent = [one for one in ends if one.state == "sent"]
    if not sent:
        raise _refused(ends)
    gone = ",".join(one.device.name for one in ends if one.state == "unregistered")
    detail = {name: value for one in ends for name, value in one.detail().items()}
    return Done(sent[0].reference, "accepted", {**detail, **({"unregistered": gone} if gone else {})})


def _refused(ends: Sequence[DeviceEnd]) -> Rejected:
    named = ", ".join(f"{one.device.name} {one.state} ({one.reason})" for one in ends)
    other = next((one.reason for one in ends if one.state == "refused"), "")
    return Rejected(other or "unregistered", f"none of the user's devices took the message: {named}")
