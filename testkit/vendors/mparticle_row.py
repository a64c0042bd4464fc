"""mParticle: requests taken or refused as a whole, nothing told of batches, nothing recognised as a repeat."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from testkit.vendors.exchange import Answer, Ask, answer
from testkit.vendors.vendor import Vendor, World

SERVER_KEY = "mparticle-emulator-key"
SERVER_SECRET = "mparticle-emulator-secret"  # noqa: S105  opens nothing but the emulator
PATHS = ("/v2/events", "/v2/bulkevents", "/v2/bulkevents/historical")
MAX_BYTES = 256_000
MAX_ITEMS = 100
OLD = 30 * 86400
MEMBERS = frozenset({
    "environment", "source_request_id", "user_identities", "user_attributes", "deleted_user_attributes",
    "application_info", "context", "consent_state", "events", "ip", "device_info", "timestamp_unixtime_ms", "mpid",
})
IDENTITIES = frozenset({"customer_id", "email", "other", "mobile_number"})

Object = dict[str, Any]


class MParticle(Vendor):
    """The emulated workspace."""

    name = "mparticle"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._begin()

    def _begin(self) -> None:
        self.events: list[Object] = []
        self.users: dict[str, Object] = {}

    def serve(self, ask: Ask) -> Answer:
        """Credentials, then the form of every batch; what is said is true of the request only."""
        if ask.method != "POST" or ask.path not in PATHS:
            return answer(404, {"errors": [{"code": "NOT_FOUND", "message": ask.path}]})
        if ask.basic != (SERVER_KEY, SERVER_SECRET):
            return answer(403 if "authorization" in ask.headers else 401, {})
        if len(ask.content) > MAX_BYTES:
            return answer(413, {"errors": [{"code": "TOO_LARGE", "message": "the request is too large"}]})
        batches = [ask.json] if ask.path == "/v2/events" else ask.json
        problem = _problem(batches)
        if problem:
            return answer(400, {"errors": [{"code": "BAD_REQUEST", "message": problem}]})
        for batch in batches:
            self._take(batch, historical=ask.path.endswith("historical"))
        return Answer(202, b"", (("X-mp-rate-limit-percentage-used", "0.01"),))

    def _take(self, batch: Object, *, historical: bool) -> None:
        user, mark = _user(batch), str(batch.get("source_request_id", ""))
        for event in batch.get("events", ()):
            age = self.world.now() - event["data"].get("timestamp_unixtime_ms", self.world.now() * 1000) / 1000
            if (age > OLD) is not historical:
                continue  # data of the other kind is dropped without a word
            self.events.append(event)
            self.note("event.accepted", user, mark=mark, event=event["data"]["event_name"], historical=historical)
        self._update(batch, user, mark)

    def _update(self, batch: Object, user: str, mark: str) -> None:
        known = self.users.setdefault(user, {})
        before = dict(known)
        known.update(batch.get("user_attributes", {}))
        for name in batch.get("deleted_user_attributes", ()):
            known.pop(name, None)
        if known != before:
            self.note("user.updated", user, mark=mark, environment=batch["environment"])

    def error(self, status: int) -> Answer:
        """The error body; too many requests name whose limit it is."""
        reply = answer(status, {"errors": [{"code": f"E{status}", "message": "refused by the emulator's script"}]})
        return reply.with_headers(("X-mp-rate-limit-exceeded", "workspace")) if status == 429 else reply

    def state(self) -> Mapping[str, Any]:
        """Events and user attributes."""
        return copy.deepcopy({"events": self.events, "users": self.users})

    def reset(self) -> None:
        """Nothing seen."""
        super().reset()
        self._begin()


def _user(batch: Object) -> str:
    identities = batch.get("user_identities", {})
    return str(identities.get("customer_id") or identities.get("email") or "")


def _problem(batches: Any) -> str:
    """What is wrong with a request, as far as mParticle looks at it at once."""
    if not isinstance(batches, list) or not all(isinstance(one, dict) for one in batches):
        return "malformed JSON"
    if sum(1 + len(one.get("events", ())) for one in batches) > MAX_ITEMS:
        return f"more than {MAX_ITEMS} batches and events"
    return next((problem for one in batches if (problem := _batch_problem(one))), "")


def _batch_problem(batch: Object) -> str:
    unknown = {*batch} - MEMBERS | {*batch.get("user_identities", {})} - IDENTITIES
    if unknown:
        return f"unknown member {min(unknown)}"
    if batch.get("environment") not in ("production", "development"):
        return 'Required field "environment" is missing or empty.'
    return _event_problem(batch.get("events", ()))


def _event_problem(events: Sequence[Object]) -> str:
    for event in events:
        if not event.get("event_type"):
            return 'Required event field "event_type" is missing or empty.'
        data = event.get("data", {})
        if not data.get("event_name") or not data.get("custom_event_type"):
            return 'Required event field "event_name" or "custom_event_type" is missing or empty.'
    return ""
