"""Every action and every export of every connector runs through real processors, each with trouble at its vendor.

What each needs and how it must end stands in `testkit/catalogue/`. The actions run in turns: one of each connector
at a time, so that trouble strikes the one that it is meant for, and what then stands in a vendor's ledger is its doing.
"""

import time
from collections import Counter
from itertools import zip_longest
from typing import NamedTuple

import pytest

from connectors.kit.action import Repeat
from connectors.kit.catalogue import catalogue
from connectors.kit.event import Event
from testkit.catalogue import ACTIONS, EXPORTS
from testkit.catalogue.case import DOUBT, ROUNDS, Case, placed
from testkit.catalogue.exports import WHO
from testkit.vendors import settings

FAST = {"rate": 100000, "concurrency": 50, "timeout": "5s"}
APP, BATCHES, SYNCS = "chains", "batches", "syncs"
FIRST = {"lost": 1000, "busy": 2000}
KINDS = {"interaction": BATCHES, "attributes": SYNCS}


# The tables cover the catalogue

@pytest.mark.parametrize(("table", "where", "parts"), [
    (ACTIONS, "actions", "actions"), (EXPORTS, "exports", "exports"),
])
def test_the_table_has_every_action_and_export_of_the_catalogue_and_no_other(table, where, parts):
    there = {(name, one) for name, connector in catalogue().items() for one in getattr(connector, parts)}
    tried = {(name, case.action) for name, cases in table.items() for case in cases}
    lacking = ", ".join(f"{name}.{one}" for name, one in sorted(there - tried))
    assert not lacking, f"no Case tells how {lacking} must end at the emulator: add it in testkit/catalogue/ ({where})"
    assert not tried - there, f"testkit/catalogue/ has cases of {where} that no connector has"


def test_every_connector_has_settings_that_lead_to_its_emulator():
    lacking = sorted(set(catalogue()) - set(settings.ROWS))
    assert not lacking, f"add a row for {', '.join(lacking)} to ROWS in testkit/vendors/settings.py"
    for name, connector in catalogue().items():
        connector.signer(connector.settings.model_validate(settings.settings(name, "http://127.0.0.1:1")))


def test_what_is_never_repeated_is_what_ends_in_doubt():
    for name in settings.ROWS:
        connector = catalogue()[name]
        made = connector.settings.model_validate(settings.settings(name, "http://127.0.0.1:1"))
        for case in ACTIONS.get(name, ()):
            action = connector.actions[case.action]
            safety = action.safety(action.params.model_validate(case.params), made)
            assert (case.lost == DOUBT) == (safety is Repeat.NEVER), f"{name}.{case.action} is {safety}"
        for case in EXPORTS.get(name, ()):
            safety = connector.exports[case.action].repeat
            assert (case.lost == DOUBT) == (safety is Repeat.NEVER), f"{name}.{case.action} is {safety}"


# The run

class Run(NamedTuple):
    """A case in one round, with its user."""

    connector: str
    case: Case
    round: str
    app: str
    user: str
    number: int

    @property
    def name(self):
        return f"{self.connector}.{self.case.action}"

    @property
    def where(self):
        return f"{self.name} ({self.round})"

    @property
    def ending(self):
        return getattr(self.case, self.round)

    @property
    def effects(self):
        return self.case.effects + (self.case.again if self.round == "lost" else ())

    def of(self, value):
        return placed(value, self.user, self.number)

    @property
    def event(self):
        return Event(f"{self.round}-{self.name}", self.app, self.user, self.name.replace(".", "-"), "accept",
                     int(time.time() * 1000), form=self.of(self.case.form), context=self.of(self.case.context))


def chain_runs(round):
    """Turns: in each at most one action of every connector."""
    made = []
    for name, cases in ACTIONS.items():
        places = {case.action: place for place, case in enumerate(cases)}
        made.append([])
        for case in cases:
            place = places[case.as_of or case.action]
            made[-1].append(Run(name, case, round, APP, f"{round}{place}{name.replace('_', '')}", FIRST[round] + place))
    return [[one for one in turn if one] for turn in zip_longest(*made)]


def export_runs(round, app):
    """One item of one user for every export of a kind."""
    return [Run(name, case, round, app, f"{round}user", FIRST[round]) for name, cases in EXPORTS.items()
            for case in cases if KINDS[catalogue()[name].exports[case.action].trigger] == app]


def configuration(url):
    """Three apps: one whose prompts set off one action each, one that exports interactions, one that syncs traits."""
    addons = sorted(name for name, one in catalogue().items() if one.addon)
    files = {f"{app}/app": {"title": app.title(), "addons": addons} for app in (APP, BATCHES, SYNCS)}
    files[f"{APP}/connectors"] = {name: entry(name, url) for name in ACTIONS}
    files[f"{APP}/prompts"] = {
        f"{name}-{case.action}": {"accept": [{"action": f"{name}.{case.action}", "id": "only", "params": case.params}]}
        for name, cases in ACTIONS.items() for case in cases}
    for app in (BATCHES, SYNCS):
        files[f"{app}/connectors"] = {
            run.connector: {**entry(run.connector, url), "exports": {run.case.action: {"params": run.case.params}}}
            for run in export_runs("lost", app)}
        files[f"{app}/prompts"] = {}
    return files


def entry(name, url):
    return {"limits": FAST, "settings": settings.referring(name, url)}


class Catalogue:
    """Runs turns and keeps what came out of each."""

    def __init__(self, site, vendors, results):
        self.site, self.vendors, self.results = site, vendors, results
        self.ended, self.effects = 0, 0
        self.wrong = []

    def turn(self, runs, publish):
        """Put trouble and seeds in place, publish, wait for all outcomes, and compare."""
        rules = {}
        for run in runs:
            for what, values in run.case.seeds:
                self.vendors.seed(run.connector, what, **run.of(values))
            if run.case.on is not None:
                rules[self.trouble(run)] = run
        publish()
        found = self.results.until(lambda read: len(read) >= self.ended + len(runs), 20)[self.ended:]
        self.ended += len(found)
        hits = {rule["number"]: rule["hits"] for rule in self.vendors.faults()}
        self.vendors.clear()
        self.wrong += [f"{run.where}: met no trouble" for number, run in rules.items() if hits[number] != 1]
        self.compare(runs, [one.value for one in found])

    def trouble(self, run):
        where = {"vendor": run.connector, "times": 1, **run.case.on._asdict()}
        if run.round == "lost":
            return self.vendors.fault("reset", taken=True, **where)
        return self.vendors.fault("answer", status=503, retry_after=0.1, **where)

    def compare(self, runs, results):
        ended = {(one.app_id, one.connector, one.action): one for one in results}
        ledger = self.vendors.ledger()[self.effects:]
        self.effects += len(ledger)
        for run in runs:
            one = ended.get((run.app, run.connector, run.case.action))
            ending = " ".join(filter(None, (one.outcome, one.note or one.reason, one.code))) if one else "no outcome"
            if ending != run.ending:
                more = f"({one.code}: {one.message})" if one else ""
                self.wrong.append(f"{run.where}: ended '{ending}' {more}, not '{run.ending}'")
        expected = Counter((run.connector, kind) for run in runs for kind in run.effects)
        happened = Counter((one.vendor, one.kind) for one in ledger)
        who = {run.connector: run.where for run in runs}
        self.wrong += [f"{who.get(name, name)}: '{kind}' happened {happened[name, kind]} times, not"
                       f" {expected[name, kind]}" for name, kind in expected | happened
                       if happened[name, kind] != expected[name, kind]]


@pytest.fixture
def started(site, vendors):
    site.configure(configuration(vendors.url))
    processor = site.started(environ=settings.environment())
    with site.results() as results:
        yield processor, Catalogue(site, vendors, results)


def test_every_action_ends_as_the_table_says_and_has_its_effect_once(site, started):
    processor, all_of = started
    turns = [turn for kind in ROUNDS for turn in chain_runs(kind)]
    site.sync(APP, {run.user: {**run.of(run.case.attributes)} for turn in turns for run in turn})
    for turn in turns:
        all_of.turn(turn, lambda turn=turn: site.publish(*(run.event for run in turn)))
    check(site, processor, all_of, [run for turn in turns for run in turn])


def test_every_export_and_sync_ends_as_the_table_says_and_has_its_effect_once(site, started):
    processor, all_of = started
    runs = []
    for kind in ROUNDS:
        batches, syncs = export_runs(kind, BATCHES), export_runs(kind, SYNCS)
        attributes = batches[0].of(WHO)
        site.sync(BATCHES, {batches[0].user: attributes})
        all_of.turn(batches, lambda batches=batches: site.publish(batches[0].event))
        all_of.turn(syncs, lambda syncs=syncs, who=attributes: site.sync(SYNCS, {syncs[0].user: who}))
        runs += batches + syncs
    check(site, processor, all_of, runs)


def check(site, processor, all_of, runs):
    assert not all_of.wrong, f"{len(all_of.wrong)} things are wrong:\n" + "\n".join(all_of.wrong)
    doubtful = {(run.app, run.user, run.name) for run in runs if run.ending == DOUBT}
    with site.letters() as letters:
        found = letters.until(lambda read: len(failures(read)) >= len(doubtful), 10)
    assert Counter(failures(found)) == Counter(doubtful)
    processor.end()


def failures(letters):
    """Who failed at what, of every dead letter."""
    return [(one.value.app_id, one.value.user_id, f"{failed.connector}.{failed.action}") for one in letters
            for failed in one.value.failures]
