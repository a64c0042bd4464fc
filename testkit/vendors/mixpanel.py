"""Mixpanel: strict imports with partial failure, repeats told by $insert_id, profile updates that answer 200 anyway."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

from testkit.vendors import credentials
from testkit.vendors.exchange import Answer, Ask, answer, text
from testkit.vendors.vendor import Vendor, World

Object = dict[str, Any]
MAX_BYTES = 2 * 1024 * 1024
MAX_ITEMS = 2000
MAX_PROPERTIES = 255
OLDEST = 31_536_000
AHEAD = 3600
INSERT_ID = re.compile(r"[A-Za-z0-9-]{1,36}")
BANNED = frozenset({
    "00000000-0000-0000-0000-000000000000", "anon", "anonymous", "nil", "none", "null", "n/a", "na", "undefined",
    "unknown", "<nil>", "0", "-1", "true", "false", "[]", "{}",
})
OPERATIONS = ("$set", "$set_once", "$add", "$append", "$union", "$remove", "$unset", "$delete")


class Mixpanel(Vendor):
    """The emulated project."""

    name = "mixpanel"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._begin()

    def _begin(self) -> None:
        self.events: dict[tuple[str, Any, str, str], Object] = {}
        self.profiles: dict[str, Object] = {}

    def serve(self, ask: Ask) -> Answer:
        """Import, profile update, or the test of the credentials."""
        if (ask.method, ask.path) == ("POST", "/import"):
            return self._import(ask)
        if (ask.method, ask.path) == ("POST", "/engage"):
            return self._engage(ask)
        if (ask.method, ask.path) == ("GET", "/api/app/me"):
            return self._me(ask)
        return answer(404, {"error": f"no such endpoint: {ask.method} {ask.path}", "status": "error"})

    def _authorized(self, ask: Ask) -> bool:
        if ask.basic == (credentials.MIXPANEL_PROJECT_TOKEN, "") and not ask.value("project_id"):
            return True
        known = (credentials.MIXPANEL_USERNAME, credentials.MIXPANEL_PASSWORD)
        return ask.basic == known and ask.value("project_id") == credentials.MIXPANEL_PROJECT_ID

    def _me(self, ask: Ask) -> Answer:
        if ask.basic != (credentials.MIXPANEL_USERNAME, credentials.MIXPANEL_PASSWORD):
            return self.error(401)
        return answer(200, {"status": "ok", "results": {"projects": {credentials.MIXPANEL_PROJECT_ID: {
            "name": "Emulated project"}}, "user_name": credentials.MIXPANEL_USERNAME}})

    def _import(self, ask: Ask) -> Answer:
        if not self._authorized(ask):
            return self.error(401)
        try:
            content = ask.content
        except ValueError:
            return _bad_request("the body is no gzip")
        if len(content) > MAX_BYTES:
            return answer(413, {"code": 413, "error": f"request exceeds max limit of {MAX_BYTES} bytes",
                                "status": "Request Entity Too Large"})
        if ask.content_type != "application/json" or not isinstance(ask.json, list):
            return _bad_request("expected a JSON array of events")
        if len(ask.json) > MAX_ITEMS:
            return _bad_request(f"a request holds at most {MAX_ITEMS} events")
        return self._take(ask.json, strict=ask.value("strict", "0") == "1")

    def _take(self, events: list[Any], *, strict: bool) -> Answer:
        failed: list[Object] = []
        for index, event in enumerate(events):
            problem = self._problem(event)
            if problem is None:
                self._keep(event)
            else:
                failed.append({"index": index, "$insert_id": _insert_id(event), "field": problem[0],
                               "message": problem[1]})
        number = len(events) - len(failed)
        if failed and strict:
            return answer(400, {"code": 400, "error": "some data points in the request failed validation",
                                "status": "Bad Request", "num_records_imported": number, "failed_records": failed})
        return answer(200, {"code": 200, "num_records_imported": number, "status": "OK"})

    def _problem(self, event: Any) -> tuple[str, str] | None:
        """The field that is wrong, and what is wrong with it."""
        if not isinstance(event, dict) or not isinstance(event.get("properties"), dict):
            return "properties", "'properties' must be an object"
        if set(event) != {"event", "properties"}:
            return "event", "an event has exactly the members 'event' and 'properties'"
        if not isinstance(event["event"], str) or not event["event"]:
            return "event", "'event' must not be missing or blank"
        return self._property_problem(event["properties"])

    def _property_problem(self, properties: Object) -> tuple[str, str] | None:
        if len(properties) >= MAX_PROPERTIES:
            return "properties", f"'properties' must have fewer than {MAX_PROPERTIES} members"
        time = self._time_problem(properties.get("time"))
        if time:
            return "properties.time", time
        if not isinstance(properties.get("distinct_id"), str):
            return "properties.distinct_id", "'properties.distinct_id' is invalid: must not be missing"
        if properties["distinct_id"].lower() in BANNED:
            return "properties.distinct_id", "'properties.distinct_id' is invalid: it is a banned value"
        id = properties.get("$insert_id")
        if not isinstance(id, str) or not INSERT_ID.fullmatch(id) or id.lower() in BANNED:
            return "properties.$insert_id", "'properties.$insert_id' is invalid: at most 36 bytes of [A-Za-z0-9-]"
        return None

    def _time_problem(self, value: Any) -> str:
        if not isinstance(value, int) or isinstance(value, bool):
            return "'properties.time' is invalid: must be an integer of seconds or milliseconds"
        seconds = value / 1000 if value > 100_000_000_000 else value
        if seconds < OLDEST:
            return "'properties.time' is invalid: must be later than 1971-01-01"
        if seconds > self.world.now() + AHEAD:
            return "'properties.time' is invalid: must not lie more than an hour ahead"
        return ""

    def _keep(self, event: Object) -> None:
        properties = event["properties"]
        if "$ignore" in properties:
            return
        user, id = properties["distinct_id"], properties["$insert_id"]
        place = (event["event"], properties["time"], user, id)
        if place in self.events:
            self.world.ledger.replay(self.id, id, user)
        else:
            self.note("event.imported", user, mark=id, event=event["event"], time_of_event=properties["time"])
        self.events[place] = event

    def _engage(self, ask: Ask) -> Answer:
        """Always 200; the body says whether it worked."""
        problems, good = self._records(ask)
        status = 1 if good else 0
        if ask.value("verbose") != "1":
            return text(200, str(status))
        return answer(200, {"status": status, "error": "; ".join(problems) or None})

    def _records(self, ask: Ask) -> tuple[list[str], int]:
        """What is wrong with the records, and how many are good; those are kept."""
        records = _records_in(ask)
        if records is None:
            return ["the body is no JSON array of records"], 0
        problems = [f"record {place}: {problem}" for place, one in enumerate(records)
                    if (problem := _record_problem(one))]
        good = [one for one in records if not _record_problem(one)]
        for one in good:
            self._update(one)
        return problems, len(good)

    def _update(self, record: Object) -> None:
        user = record["$distinct_id"]
        profile = self.profiles.setdefault(user, {})
        before = dict(profile)
        profile.update({name: value for name, value in record.get("$set_once", {}).items() if name not in profile})
        profile.update(record.get("$set", {}))
        for name in record.get("$unset", []):
            profile.pop(name, None)
        if profile != before:
            self.note("profile.updated", user, members=sorted(set(record) & set(OPERATIONS)))

    def error(self, status: int) -> Answer:
        """Mixpanel's error body for a status."""
        words = {401: "Invalid credentials", 429: "Project exceeded rate limits. Please retry the request with "
                                                  "exponential backoff."}
        return answer(status, {"code": status, "error": words.get(status, "an error has occurred"),
                               "status": "Unauthorized" if status == 401 else "error"})

    def inner_error(self, ask: Ask) -> Answer:
        """`status` 0 inside a 200."""
        return answer(200, {"status": 0, "error": f"refused by the emulator's script: {ask.path}"})

    def state(self) -> Mapping[str, Any]:
        """Events as a query would find them, and profiles."""
        return copy.deepcopy({"events": list(self.events.values()), "profiles": self.profiles})

    def reset(self) -> None:
        """No events, no profiles."""
        super().reset()
        self._begin()


def _bad_request(message: str) -> Answer:
    return answer(400, {"code": 400, "error": message, "status": "Bad Request"})


def _insert_id(event: Any) -> Any:
    properties = event.get("properties") if isinstance(event, dict) else None
    return properties.get("$insert_id") if isinstance(properties, dict) else None


def _records_in(ask: Ask) -> list[Any] | None:
    """The records of a profile update, as JSON or in a form; gzip is not understood here."""
    if "content-encoding" in ask.headers:
        return None
    value = ask.json
    if ask.content_type == "application/x-www-form-urlencoded":
        try:
            value = json.loads(dict(ask.form).get("data", ""))
        except ValueError:
            return None
    if isinstance(value, dict):
        value = [value]
    return value if isinstance(value, list) and len(value) <= MAX_ITEMS else None


def _record_problem(record: Any) -> str:
    if not isinstance(record, dict):
        return "a record must be an object"
    for name in ("$token", "$distinct_id"):
        if not isinstance(record.get(name), str) or not record[name]:
            return f"{name} is missing"
    return "" if set(record) & set(OPERATIONS) else "no operation"
