"""Amplitude: uploads taken whole or not at all, culprits by place, repeats told by insert_id for seven days."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from testkit.vendors.exchange import Answer, Ask, answer
from testkit.vendors.vendor import Vendor, World

API_KEY = "amplitude-emulator-key"
PATHS = {"/2/httpapi": 1_000_000, "/batch": 20_000_000}
"""Where events go, and how many bytes each takes."""
MAX_ITEMS = 2000
KEPT = 7 * 86400.0
A_SECOND = {"/2/httpapi": 30, "/batch": 1000}
"""Events of one user that are taken at once; the bucket is emptied every second."""
SILENCED = "silenced-device"
SPENT = "spent-user"
"""A user whose events of the day are used up."""

Object = dict[str, Any]


class Amplitude(Vendor):
    """The emulated project."""

    name = "amplitude"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._begin()

    def _begin(self) -> None:
        self.events: list[Object] = []
        self.users: dict[str, Object] = {}
        self.seen: dict[tuple[str, str], float] = {}
        self.rates: Counter[tuple[str, int]] = Counter()

    def serve(self, ask: Ask) -> Answer:
        """Key, size, each event, rates; then all of them or none."""
        if ask.method != "POST" or ask.path not in PATHS:
            return answer(404, {"code": 404, "error": "not found"})
        if not isinstance(ask.json, dict):
            return _bad("Invalid JSON request body")
        if ask.json.get("api_key") != API_KEY:
            return _bad(f"Invalid API key: {ask.json.get('api_key')}")
        events, size = ask.json.get("events"), len(ask.content)
        if not isinstance(events, list) or not events:
            return _bad("Request missing required field", missing_field="events")
        if size > PATHS[ask.path] or len(events) > MAX_ITEMS:
            return answer(413, {"code": 413, "error": "Payload too large"})
        return self._judge(ask, events) or self._ingest(events, size)

    def _judge(self, ask: Ask, events: Sequence[Object]) -> Answer | None:
        shortest = ask.json.get("options", {}).get("min_id_length", 5)
        for member, error, find in (
            ("events_with_missing_fields", "Missing required field", _missing),
            ("events_with_invalid_fields", "Invalid field values on some events", _invalid),
            ("events_with_invalid_id_lengths", "Invalid id length for user_id or device_id",
             lambda event: _short(event, shortest)),
        ):
            places = _by_field(events, find)
            if places:
                return _bad(error, **{member: places})
        silenced = [place for place, one in enumerate(events) if one.get("device_id") == SILENCED]
        if silenced:
            return _bad("Events silenced", silenced_events=silenced, silenced_devices=[SILENCED])
        return self._throttle(ask.path, events)

    def _throttle(self, path: str, events: Sequence[Object]) -> Answer | None:
        second = int(self.world.now())
        users = Counter(_user(one) for one in events)
        slow = {user: number for user, number in users.items()
                if self.rates[user, second] + number > A_SECOND[path] or user == SPENT}
        if not slow:
            self.rates.update({(user, second): number for user, number in users.items()})
            return None
        places = [place for place, one in enumerate(events) if _user(one) in slow]
        spent = {SPENT: 500_000} if SPENT in slow else {}
        return answer(429, {"code": 429, "error": "Too many requests for some devices and users",
                            "eps_threshold": A_SECOND[path], "throttled_users": slow, "throttled_devices": {},
                            "throttled_events": places, "exceeded_daily_quota_users": spent,
                            "exceeded_daily_quota_devices": {}})

    def _ingest(self, events: Sequence[Object], size: int) -> Answer:
        now = self.world.now()
        for one in events:
            place, insert_id = (_user(one), str(one.get("insert_id", ""))), str(one.get("insert_id", ""))
            if insert_id and self.seen.get(place, 0.0) > now:
                self.world.ledger.replay(self.id, insert_id, place[0])
                continue
            self.seen[place] = now + KEPT
            self._take(one, insert_id)
        return answer(200, {"code": 200, "events_ingested": len(events), "payload_size_bytes": size,
                            "server_upload_time": int(now * 1000)})

    def _take(self, one: Object, insert_id: str) -> None:
        kind = "user.identified" if one["event_type"] == "$identify" else "event.ingested"
        if kind == "event.ingested":
            self.events.append(one)
        properties = one.get("user_properties", {})
        user = self.users.setdefault(_user(one), {})
        user.update({name: value for name, value in properties.get("$setOnce", {}).items() if name not in user})
        user.update(properties.get("$set", properties if kind == "event.ingested" else {}))
        self.note(kind, _user(one), mark=insert_id, event=one["event_type"])

    def error(self, status: int) -> Answer:
        """Amplitude's error body for a status."""
        return answer(status, {"code": status, "error": "refused by the emulator's script"})

    def state(self) -> Mapping[str, Any]:
        """Events and user properties."""
        return copy.deepcopy({"events": self.events, "users": self.users})

    def reset(self) -> None:
        """Nothing seen."""
        super().reset()
        self._begin()


def _bad(error: str, **more: Any) -> Answer:
    return answer(400, {"code": 400, "error": error, **more})


def _user(event: Object) -> str:
    """Whom the rates and insert ids belong to: the device is made of the user where none is sent."""
    return str(event.get("device_id") or event.get("user_id"))


def _by_field(events: Sequence[Object], find: Any) -> dict[str, list[int]]:
    """Of each field only the first culprit: clients have to ask again."""
    found: dict[str, list[int]] = {}
    for place, one in enumerate(events):
        for name in find(one):
            found.setdefault(name, [place])
    return found


def _missing(event: Any) -> list[str]:
    if not isinstance(event, dict) or not event.get("event_type"):
        return ["event_type"]
    return [] if event.get("user_id") or event.get("device_id") else ["user_id"]


def _invalid(event: Object) -> list[str]:
    wrong = [] if isinstance(event.get("time", 0), int) else ["time"]
    mixed = event.get("user_properties", {})
    operations = [name for name in mixed if name.startswith("$")]
    return wrong + (["user_properties"] if operations and len(operations) < len(mixed) else [])


def _short(event: Object, least: int) -> list[str]:
    return [name for name in ("user_id", "device_id") if name in event and len(str(event[name])) < least]
