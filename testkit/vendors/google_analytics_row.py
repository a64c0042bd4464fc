"""Google Analytics 4: 204 to everything, what breaks a rule dropped without a word, validation on another path."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

from testkit.vendors.exchange import Answer, Ask, answer
from testkit.vendors.vendor import Vendor, World

MEASUREMENT_ID = "G-EMULATOR1"
FIREBASE_APP_ID = "1:1234567890:android:abcdef"
API_SECRET = "ga-emulator-secret"  # noqa: S105  opens nothing but the emulator
MAX_BYTES = 130_000
MAX_EVENTS = 25
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
CLIENT = re.compile(r"\d+\.\d+")

Object = dict[str, Any]


class GoogleAnalytics(Vendor):
    """The emulated property with a web and an app stream."""

    name = "google_analytics"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._begin()

    def _begin(self) -> None:
        self.events: list[Object] = []
        self.users: dict[str, Object] = {}

    def serve(self, ask: Ask) -> Answer:
        """Collection says nothing; validation says what is wrong, but not with the credentials."""
        if ask.path not in ("/mp/collect", "/debug/mp/collect"):
            return answer(404, {"error": "not found"})
        if ask.method != "POST":
            return answer(405, {"error": "method not allowed"})
        if len(ask.content) >= MAX_BYTES:
            return answer(413, {"error": "the body is too large"})
        problems = list(_problems(ask.json))
        if ask.path == "/debug/mp/collect":
            return answer(200, {"validationMessages": problems})
        if not problems and _known_stream(ask):
            self._collect(ask.json)
        return Answer(204)

    def _collect(self, body: Object) -> None:
        user = str(body.get("client_id") or body.get("app_instance_id"))
        for event in body["events"]:
            time = event.get("timestamp_micros", body.get("timestamp_micros"))
            self.events.append({**event, "timestamp_micros": time, "user_id": body.get("user_id")})
            self.note("event.collected", user, event=event["name"], time_of_event=time)
        properties = {name: one["value"] for name, one in body.get("user_properties", {}).items()}
        known = self.users.setdefault(user, {})
        if properties.items() - known.items():
            known.update(properties)
            self.note("user.updated", user, members=sorted(properties))

    def state(self) -> Mapping[str, Any]:
        """Events and user properties."""
        return copy.deepcopy({"events": self.events, "users": self.users})

    def reset(self) -> None:
        """Nothing collected."""
        super().reset()
        self._begin()


def _known_stream(ask: Ask) -> bool:
    streams = (ask.value("measurement_id"), ask.value("firebase_app_id"))
    fits = streams in ((MEASUREMENT_ID, ""), ("", FIREBASE_APP_ID))
    return fits and ask.value("api_secret") == API_SECRET


def _message(path: str, description: str, code: str) -> Object:
    return {"fieldPath": path, "description": description, "validationCode": code}


def _problems(body: Any) -> Iterator[Object]:
    if not isinstance(body, dict):
        yield _message("", "Unable to parse the body", "VALUE_INVALID")
        return
    client = body.get("client_id")
    if not body.get("app_instance_id") and not (isinstance(client, str) and CLIENT.fullmatch(client)):
        yield _message("client_id", "must be two numbers with a dot between", "VALUE_REQUIRED")
    events = body.get("events")
    if not isinstance(events, list) or not events:
        yield _message("events", "is required", "VALUE_REQUIRED")
        return
    if len(events) > MAX_EVENTS:
        yield _message("events", f"more than {MAX_EVENTS}", "EXCEEDED_MAX_ENTITIES")
    for place, event in enumerate(events):
        yield from _event_problems(event, f"events[{place}]")
    for name, one in body.get("user_properties", {}).items():
        if not NAME.fullmatch(name) or len(name) > 24 or len(str(one.get("value"))) > 36:
            yield _message(f"user_properties.{name}", "name or value is too long", "VALUE_INVALID")


def _event_problems(event: Any, path: str) -> Iterator[Object]:
    if not isinstance(event, dict) or not NAME.fullmatch(str(event.get("name"))):
        yield _message(f"{path}.name", "is no valid name", "NAME_INVALID")
        return
    params = event.get("params", {})
    if len(params) > 25:
        yield _message(f"{path}.params", "more than 25", "EXCEEDED_MAX_ENTITIES")
    for name, value in params.items():
        if not NAME.fullmatch(name):
            yield _message(f"{path}.params.{name}", "is no valid name", "NAME_INVALID")
        if not isinstance(value, (str, int, float)) or len(str(value)) > 100:
            yield _message(f"{path}.params.{name}", "is no short scalar", "VALUE_INVALID")
