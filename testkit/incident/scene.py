"""Where the incident happens: an app, its vendors, a producer; what breaks, and how each of it is mended."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import fastavro
import orjson

from connectors.kit.event import Event
from testkit.kafka.fresh import FreshTopics
from testkit.processor import apps
from testkit.processor.apps import call, event, stripe
from testkit.processor.process import Processor
from testkit.processor.records import Records
from testkit.processor.site import Site
from testkit.schema_registry import SchemaRegistry, source
from testkit.vendors.client import Control

APP, COUPON = "tidings", "SPRING20"
SCHEMA = 77
"""The registry's id of the producer's own schema: ours, with a field that only it knows."""
FIELDS = {"campaign": "string"}
SECONDS = 180.0
SETTINGS: Mapping[str, Any] = {
    "join_grace": 2, "retry__base": 0.05, "retry__cap": 0.5, "drain": 5, "http__timeout": 5,
    "checkpoint__interval": 0.05,
}
"""Settings under which nobody waits for what has no part in the incident."""
FEW = 3
"""Users of each kind whom all goes well for, before."""


class Share(NamedTuple):
    """How many letters there are of each reason."""

    coupon: int
    attribute: int
    schema: int

    @property
    def total(self) -> int:
        """Of all."""
        return sum(self)


def share(letters: int) -> Share:
    """So many letters, of three reasons."""
    coupon, attribute = round(letters * 0.4), round(letters * 0.36)
    return Share(coupon, attribute, letters - coupon - attribute)


def configuration(url: str) -> Mapping[str, Any]:
    """`stay` calls the customer, gives a coupon, and calls what must not be repeated; `plan` needs an attribute."""
    return {
        f"{APP}/app": {"title": "Tidings"},
        f"{APP}/connectors": {"custom_api": apps.custom_api(url), "stripe": stripe(url)},
        f"{APP}/prompts": {
            "stay": {"accept": [
                call(id="note"), {"id": "coupon", "action": "stripe.apply_coupon", "params": {"coupon_id": COUPON}},
                call("once", id="thank")]},
            "plan": {"accept": [call("account", id="switch")]},
            "survey": {"accept": [call(id="answered")]},
        },
    }


class Effects(NamedTuple):
    """How often vendors did what, from their own ledgers."""

    coupons: Counter[str]
    """By user."""
    calls: Counter[str]
    """By path, which names action, prompt and event."""

    def of(self, action: str) -> Counter[str]:
        """Calls of one of the customer's own actions."""
        return Counter({path: times for path, times in self.calls.items() if f"/{action}/" in path})


class Scene:
    """A place with a processor, and what befalls it."""

    def __init__(self, site: Site, topics: FreshTopics, vendors: Control, registry: SchemaRegistry,
                 letters: int) -> None:
        topics.make("audit", partitions=1)
        site.topics["audit"] = f"{topics.prefix}.audit"
        self.site, self.vendors, self.registry, self.share = site, vendors, registry, share(letters)
        vendors.seed("custom_api", "dedupe", on=True)
        site.configure(configuration(vendors.url))
        self.processor = self._processor()

    def _processor(self) -> Processor:
        return self.site.started(registry__url=self.registry.url)

    def environment(self) -> Mapping[str, str]:
        """Of the commands of whoever is on call."""
        return self.site.environment("desk", registry__url=self.registry.url)

    # the evening, when all is well

    def begin(self) -> None:
        """A few users of each kind, for whom everything works."""
        users = [f"early{number}" for number in range(FEW)]
        self.site.sync(APP, {user: {"email_address": f"{user}@example.com", "account": f"acc-{user}"}
                             for user in users})
        self.site.publish(*self._events(users, "stay", 90_000), *self._events(users, "plan", 90_010))
        with self.site.results() as results:
            ended = Counter(one.value.outcome for one in results.at_least(4 * FEW))
        if ended != {"succeeded": 4 * FEW}:
            raise AssertionError(f"all should be well before the incident: {ended}")

    # the night

    def break_all(self) -> None:
        """The coupon is deleted, the attribute is not synced any more, the producer has another schema."""
        self.vendors.command("stripe", "delete_coupon", id=COUPON)
        paying, moving, asked = self._users("c", self.share.coupon), self.moving, self._users("s", self.share.schema)
        self.site.sync(APP, {user: {"email_address": f"{user}@example.com"} for user in (*paying, *moving)})
        self.site.publish(*self._events(paying, "stay", 0), *self._events(moving, "plan", 10_000))
        self.site.send("interactions", *(
            (f"{APP}:{one.user_id}".encode(), by_new_schema(one)) for one in self._events(asked, "survey", 20_000)))
        with self.site.letters() as letters:
            letters.at_least(self.share.total, SECONDS)

    @property
    def moving(self) -> Sequence[str]:
        """Those whose attribute is not there."""
        return self._users("a", self.share.attribute)

    @staticmethod
    def _users(kind: str, count: int) -> Sequence[str]:
        return [f"{kind}{number:04d}" for number in range(count)]

    @staticmethod
    def _events(users: Iterable[str], prompt: str, first: int) -> list[Event]:
        now = int(time.time() * 1000)
        return [event(first + number, user, prompt, time=now, app=APP) for number, user in enumerate(users)]

    # mended

    def restore_coupon(self) -> None:
        """Somebody makes it again in Stripe's dashboard."""
        self.vendors.seed("stripe", "coupon", id=COUPON)

    def write_accounts(self, file: Path) -> None:
        """The list that the app's database gives of the attribute."""
        file.write_text("user_id,account\n" + "".join(f"{user},acc-{user}\n" for user in self.moving))

    def register_schema(self) -> None:
        """The producer's team registers what it should have registered; processors start anew."""
        self.registry.held[SCHEMA] = source("PromptInteraction", **FIELDS)
        self.processor.end()
        self.processor = self._processor()

    # afterwards

    def settle(self) -> None:
        """Wait until everything that came in has ended."""
        with self.site.results() as results:
            results.at_least(self.results, SECONDS)
        metric = self.processor.metric
        self.processor.until(lambda: metric("books_events_in") == metric("books_events_finished"), SECONDS,
                             "all has ended")

    @property
    def results(self) -> int:
        """Outcomes in all: of the evening, of the failed runs, of the replays."""
        return 4 * FEW + 3 * self.share.coupon + self.share.attribute + (
            2 * self.share.coupon + self.share.attribute + self.share.schema)

    def effects(self) -> Effects:
        """What the vendors did."""
        return Effects(Counter(one.user for one in self.vendors.ledger("stripe", "subscription.discount_added")),
                       Counter(one.detail["path"] for one in self.vendors.ledger("custom_api")))

    def outcomes(self) -> Counter[tuple[int, str, str]]:
        """Of run, binding and outcome."""
        with self.site.results() as results:
            found = results.at_least(self.results)
            return Counter((one.value.run, one.value.binding_id, one.value.outcome) for one in found)

    def audited(self) -> Counter[str]:
        """What people did, from the audit."""
        with Records(self.site.servers, self.site.topics["audit"], lambda value: orjson.loads(value or b"{}")) as found:
            return Counter(one.value["did"] for one in found.now(1))


def by_new_schema(one: Event) -> bytes:
    """A message in Confluent's framing, by the schema that only its producer has."""
    stream = BytesIO(b"\0" + SCHEMA.to_bytes(4, "big"))
    stream.seek(5)
    schema = fastavro.parse_schema(source("PromptInteraction", **FIELDS))
    fastavro.schemaless_writer(stream, schema, {**one._asdict(), "campaign": "autumn"})
    return stream.getvalue()
