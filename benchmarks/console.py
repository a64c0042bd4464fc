"""Server time and weight of the console's pages, over a million dead letters: `make bench-console`.

No broker and no browser: an app with 5,000 prompts and 30 connectors, an index of letters, late outcomes and open
chains are made in a folder, then each page is asked for again and again.
"""

from __future__ import annotations

import dataclasses
import html
import random
import re
import resource
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import click
from starlette.testclient import TestClient

from benchmarks.letters import REASONS
from connectors.kit.catalogue import catalogue
from connectors.kit.connector import Connector
from console.activity import Activity
from console.activity.chains import KeyedRecord
from console.activity.outcomes import Record
from console.app import create_app
from console.configured import Configured
from console.faces import statics
from console.health import Health, Reading
from console.letters import Letters, Standing
from console.options import ConsoleOptions, NoAudit
from console.security.sessions import Seal, Session, cookie_name
from processor.access import Company, Member, Role, content_of
from processor.config.content import Compiler
from processor.config.memory_store import MemoryStore
from processor.config.store import COMPANY
from processor.dead_letters.index import Change
from processor.model.chain import ChainRecord
from processor.model.dead_letter import Origin
from processor.model.outcome import ActionResult
from processor.settings import ProcessorSettings
from testkit.letters import CODEC, failed_binding, key_of, letter_of
from testkit.processor.apps import custom_api

KEY, EMAIL, APP = "k" * 40, "bench@example.com", "/apps/shop"
PROMPTS, CONNECTORS, BATCH = 5000, 30, 5000
OUTCOMES, CHAINS = 200_000, 20_000
ROUNDS = 20
ALLOWED_MS, ALLOWED_KB = 100.0, 150.0
SEARCH, SEARCHED_ON = "Dead letters, text that few have", "Dead letters, the same looked for further back"
STATES = ("open", "open", "closed", "succeeded", "replayed")
DAY_MS = 86_400_000


class Measured(NamedTuple):
    """One page."""

    name: str
    status: int
    milliseconds: float
    cpu: float
    """Milliseconds of this process: what remains of it where the machine has other work too."""
    kilobytes: float
    """Of the page itself."""


def connectors() -> Mapping[str, Connector]:
    """Thirty vendors that need no settings."""
    custom = catalogue()["custom_api"]
    made = [dataclasses.replace(custom, id=f"vendor{n}", title=f"Vendor {n}") for n in range(CONNECTORS)]
    return {one.id: one for one in made}


def shop() -> dict[str, Any]:
    """An app with many prompts."""
    settings, call = custom_api("https://api.example.com"), {"api_action": "take"}
    return {
        "app": {"title": "Shop"}, "connectors": {f"vendor{n}": settings for n in range(CONNECTORS)},
        "prompts": {f"prompt{n}": {"title": f"Prompt {n}", "accept": [
            {"id": "first", "action": f"vendor{n % CONNECTORS}.call_api", "params": call}]} for n in range(PROMPTS)},
    }


def fill_letters(letters: Letters, count: int, now: int) -> None:
    """Letters of a month, put into the index as its follower does; reading Kafka is measured by benchmarks.letters."""
    chance = random.Random(7)
    with letters.desk() as desk:
        for first in range(0, count, BATCH):
            numbers = range(first, min(first + BATCH, count))
            desk.index.apply([_put(number, count, now, chance) for number in numbers], {0: numbers.stop})
        desk.index.built()
        letters.add_up(desk)
    letters.standing = Standing(filled=True, read_at=time.time())


def _put(number: int, count: int, now: int, chance: random.Random) -> Change:
    reason, prompt = chance.choice(list(REASONS)), chance.randrange(PROMPTS)
    failure = failed_binding(f"vendor{prompt % CONNECTORS}", "call_api", binding_id="first", reason=reason,
                             code=chance.choice(REASONS[reason]), message=f"the vendor said no, number {number}")
    one = letter_of(f"e{number}", failure, app="shop", user=f"u{number % 50_000}", prompt=f"prompt{prompt}",
                    at=now - (count - number) * 30 * DAY_MS // count, state=chance.choice(STATES), remaining=("first",))
    return Change(0, number, key_of(one), CODEC.encode_dead_letter(one))


def fill_activity(activity: Activity, now: int) -> None:
    """Late outcomes and open chains."""
    for first in range(0, OUTCOMES, BATCH):
        activity.outcomes.take([Record(0, number, CODEC.encode_result(_result(number, now)))
                                for number in range(first, first + BATCH)], {0: first + BATCH}, now / 1000)
    for first in range(0, CHAINS, BATCH):
        activity.chains.take([_chain(number, now) for number in range(first, first + BATCH)], {0: first + BATCH})


def _result(number: int, now: int) -> ActionResult:
    at = now - (OUTCOMES - number) * 50
    failed = number % 20 == 0
    return ActionResult(
        f"o{number}", "shop", f"u{number % 50_000}", f"prompt{number % PROMPTS}", "accept", at - 400, 0, "first", 0,
        f"vendor{number % CONNECTORS}", "call_api", "failed" if failed else "succeeded", "",
        "rejected" if failed else "", "not_found" if failed else "", "no such thing" if failed else "", f"ref_{number}",
        f"req_{number}", 404 if failed else 200, 1, at - 300, at, "v1", -1, 0, {}, 1)


def _chain(number: int, now: int) -> KeyedRecord:
    record = ChainRecord(
        "shop", f"u{number}", f"w{number}", 0, "parked", ("circuit", "limit", "attributes")[number % 3], now + 60_000,
        Origin("prompt.interactions", 0, number, now - 60_000, b"", b""), "v1", {}, -1, 0, [], [], 1, 0, now - 60_000,
        None, ["first"])
    return KeyedRecord(0, number, f"shop:w{number}".encode(), CODEC.encode_chain(record))


PAGES: Mapping[str, str] = {
    "Actions": f"{APP}/connectors", "a connector": f"{APP}/connectors/vendor3", "Prompts": f"{APP}/prompts",
    "a prompt": f"{APP}/prompts/prompt17",
    "Activity": f"{APP}/activity", "Activity, one user": f"{APP}/activity?find=u4711",
    "Activity, failures of a connector": f"{APP}/activity?outcome=failed&connector=vendor10",
    "Activity, a filter that nothing fits": f"{APP}/activity?prompt=nothing",
    "an event": f"{APP}/activity/o150000", "an event that waits": f"{APP}/activity/w777",
    "Dead letters": f"{APP}/dead-letters", "Dead letters, all states": f"{APP}/dead-letters?state=all",
    "Dead letters, one connector": f"{APP}/dead-letters?connector=vendor7",
    "Dead letters, one reason": f"{APP}/dead-letters?reason=misconfigured",
    "Dead letters, one prompt": f"{APP}/dead-letters?prompt=prompt17",
    "Dead letters, one user": f"{APP}/dead-letters?user=u4711&state=all",
    "Dead letters, one event": f"{APP}/dead-letters?event=e777&state=all",
    "Dead letters, a day": f"{APP}/dead-letters?since=2d&until=1d",
    "Dead letters, a month": f"{APP}/dead-letters?since=30d&state=all",
    "Dead letters, a state and a connector": f"{APP}/dead-letters?state=replayed&connector=vendor7",
    SEARCH: f"{APP}/dead-letters?text=number+123456",
    "Dead letters, text that none has, of a connector": f"{APP}/dead-letters?text=nothing&connector=vendor7",
    "a letter": f"{APP}/dead-letters/e777", "Replays": f"{APP}/replays",
    "Health": f"{APP}/health", "Health, all apps": "/health", "Access": f"{APP}/access", "Audit": f"{APP}/audit",
    "All apps": "/apps",
}


def measured(client: TestClient) -> Iterator[Measured]:
    """Each page, the first answer thrown away."""
    found = re.search(r'href="(\?[^"]*looked=[^"]*)"', client.get(PAGES[SEARCH]).text)
    further = {SEARCHED_ON: f"{APP}/dead-letters{html.unescape(found[1])}"} if found else {}
    for name, path in {**PAGES, **further}.items():
        answer, times, cpu = client.get(path), [], []
        for _ in range(ROUNDS):
            begun, used = time.perf_counter(), time.process_time()
            client.get(path)
            times.append(1000 * (time.perf_counter() - begun))
            cpu.append(1000 * (time.process_time() - used))
        yield Measured(name, answer.status_code, median(times), median(cpu), len(answer.content) / 1024)


def client_of(options: ConsoleOptions) -> TestClient:
    """A signed-in administrator's browser."""
    client = TestClient(create_app(options), "http://console.test", follow_redirects=False)
    now = time.time()
    session = Session(user=EMAIL, how="oidc", began=now, seen=now, csrf="token-of-this-session")
    client.cookies.set(cookie_name(https=False), Seal([KEY]).write(session))
    return client


def no_vendor() -> Any:
    """Nothing here calls a vendor."""
    raise AssertionError


@click.command(help=__doc__)
@click.option("--letters", "count", type=click.IntRange(1000), default=1_000_000, show_default=True)
def main(count: int) -> None:
    """Fill, measure, print; end with 1 where a page is too slow, too heavy or not there."""
    now, known = int(time.time() * 1000), connectors()
    company = content_of(Company(members=(Member(email=EMAIL, roles={"*": Role.COMPANY_ADMINISTRATOR}),)))
    store = MemoryStore(Compiler({}, known=known), {COMPANY: company, "shop": shop()})
    with tempfile.TemporaryDirectory(prefix="bench-console-") as folder:
        settings = ProcessorSettings.model_validate({"console": {
            "state_folder": Path(folder), "session_keys": [KEY]}})
        configured = Configured(store)
        configured.refresh()
        letters, activity = Letters(settings, CODEC, configured), Activity(settings, CODEC, configured)
        health = Health(settings, CODEC, configured)
        health.reading = Reading(time.time(), {"prompt.interactions": 3})
        begun = time.perf_counter()
        fill_letters(letters, count, now)
        fill_activity(activity, now)
        print(f"{count:,} letters, {OUTCOMES:,} outcomes, {CHAINS:,} chains in {time.perf_counter() - begun:.0f} s")
        options = ConsoleOptions(
            store, no_vendor, settings.console, audit=NoAudit(), known=known, letters=letters, activity=activity,
            health=health, waiting=activity.waiting)
        found = list(measured(client_of(options)))
        for one in (letters, activity, health):
            one.close()
    show(found)
    assets = sum(len(one.body) for name, one in statics().items() if name.endswith((".css", ".js", ".svg"))) / 1024
    too_much = [one for one in found if one.milliseconds > ALLOWED_MS or one.kilobytes + assets > ALLOWED_KB]
    print(f"style, scripts, icon: {assets:.0f} KB, once; memory at most "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    failed = [one for one in found if one.status >= 400]
    print("too slow or too heavy: " + (", ".join(one.name for one in too_much) or "none"))
    print("no page at all: " + (", ".join(one.name for one in failed) or "none"))
    raise SystemExit(bool(too_much or failed))


def show(found: list[Measured]) -> None:
    """The table."""
    print("| page | status | server time, median | CPU of it | page |\n|---|---|---|---|---|")
    for one in found:
        print(f"| {one.name} | {one.status} | {one.milliseconds:.0f} ms | {one.cpu:.0f} ms | {one.kilobytes:.0f} KB |")


if __name__ == "__main__":
    main()
