"""What happens beside the load that the model knows, in an app of its own: replays, synced traits, refused credentials.

Each life asks again for what was refused before, changes attributes that are exported, and has a vendor refuse its
credentials once. Nothing of it must end twice, or never.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence

from processor.engine.runner import outcome_id
from processor.model.dead_letter import DeadLetter
from processor.model.outcome import ActionResult
from processor.model.replay import replay_of
from testkit.processor import apps
from testkit.processor.site import Site
from testkit.vendors.client import Control

APP = "gamma"
AGAIN, REFUSED, TRAITS = 3, 2, 3
"""In each life: events that are rejected at first, such whose credentials are refused, changes of attributes."""
EXPORT = "mixpanel.sync_user_traits"
BINDING = "a"
Key = tuple[str, str, int]
"""Event, binding, run."""


class Beside:
    """What was published of it, and what must come of that."""

    def __init__(self, site: Site, vendors: Control) -> None:
        self._site = site
        self._vendors = vendors
        self._lives = 0
        self._letters = site.letters()
        self.wanted: Counter[Key] = Counter()
        """Outcomes that there must be, one each."""

    def close(self) -> None:
        """Free what reads."""
        self._letters.close()

    def configure(self) -> None:
        """Write the app's files; each time other settings, which are taken up while a process runs."""
        spare = {"url": f"{self._vendors.url}/custom_api/spare/{self._lives}/%event_id%", "payload": {}}
        custom, traits = apps.custom_api(self._vendors.url, spare=spare), apps.mixpanel(self._vendors.url)
        traits["exports"] = {"sync_user_traits": {"params": {"traits": ["life"]}}}
        prompts = {"again": {"accept": [apps.call(id=BINDING)]}, "refused": {"accept": [apps.mail(id=BINDING)]}}
        self._site.configure({
            f"{APP}/app": {"title": "Gamma"}, f"{APP}/connectors": {
                "custom_api": custom, "mixpanel": traits, "sendgrid": apps.sendgrid(self._vendors.url)},
            f"{APP}/prompts": prompts})

    def publish(self) -> None:
        """One life's share."""
        self._lives += 1
        self._replay()
        self._vendors.fault("inner_error", vendor="custom_api", path=f"/again/again-{self._lives}-0$", times=1)
        self._publish("again", AGAIN)
        self._vendors.fault("answer", vendor="sendgrid", times=1, status=401)
        self._publish("refused", REFUSED)
        users = {f"g{number}": {"email_address": f"g{number}@example.com", "life": self._lives}
                 for number in range(TRAITS)}
        for place in self._site.sync(APP, users):
            name = f"{self._site.topics['attributes']}-{place.partition}-{place.offset}"
            self.wanted[name, EXPORT, 0] += 1

    def _publish(self, prompt: str, count: int) -> None:
        names = [f"{prompt}-{self._lives}-{number}" for number in range(count)]
        now = int(time.time() * 1000)
        self._site.publish(*(
            apps.event(0, f"g{number}", prompt, time=now, app=APP)._replace(event_id=name)
            for number, name in enumerate(names)))
        for name in names:
            self.wanted[name, BINDING, 0] += 1

    def _replay(self) -> None:
        """Ask for another run of whatever has a letter that nobody asked for yet."""
        asked = []
        for letter in self._not_asked_for(0.3):
            self.wanted[_next_run(letter)] += 1
            replay = replay_of(letter, "trial", int(time.time() * 1000))
            asked.append((f"{APP}:{letter.user_id}".encode(), self._site.codec.encode_replay(replay)))
        self._site.send("replays", *asked)

    def has_letter(self) -> bool:
        """Whether the next share will ask for a replay."""
        return bool(self._not_asked_for(0.05))

    def _not_asked_for(self, seconds: float) -> list[DeadLetter]:
        letters: list[DeadLetter] = [record.value for record in self._letters.now(seconds)]
        mine = {_next_run(one): one for one in letters if one.app_id == APP and one.event_id.startswith("again")
                and one.state == "open" and one.run == 0}
        return [one for run, one in mine.items() if run not in self.wanted]

    @property
    def due(self) -> int:
        """How many outcomes there must be."""
        return self.wanted.total()

    def marks(self) -> frozenset[str]:
        """The marks of calls that belong to it."""
        return frozenset(outcome_id(APP, event, binding, generation)
                         for event, binding, _ in self.wanted for generation in range(3))

    def wrongs(self, results: Iterable[ActionResult]) -> list[str]:
        """What did not end once, or did not end as it must."""
        ended = [one for one in results if one.app_id == APP]
        seen = Counter((one.event_id, one.binding_id, one.run) for one in ended)
        missing, more = self.wanted - seen, seen - self.wanted
        return [*(f"{APP}: {key} has no outcome" for key in missing),
                *(f"{APP}: {key} has {seen[key]} outcomes, {self.wanted[key]} are right" for key in more),
                *_badly_ended(ended)]


def _next_run(letter: DeadLetter) -> Key:
    return letter.event_id, BINDING, letter.replays + 1


def _badly_ended(ended: Sequence[ActionResult]) -> list[str]:
    """A vendor says no now and then (`inner_error`), and mails are never repeated; all else ends well at last."""
    return [f"{APP}: {one.event_id} {one.binding_id} run {one.run} ended {one.outcome} {one.reason} ({one.code})"
            for one in ended if one.outcome != "succeeded"
            and one.reason != ("in_doubt" if one.event_id.startswith("refused") else "rejected")]
