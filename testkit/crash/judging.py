"""What must hold of dead letters and books after whatever befell the processors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from processor.avro.codec import Codec
from processor.books import read_books
from processor.config.files import load
from processor.config.own import load_settings
from processor.model.outcome import ActionResult
from testkit.processor.site import Site

READ_SECONDS = 30.0


def letters(site: Site, ended: Sequence[ActionResult], unreadable: int, *, besides: str = "") -> list[str]:
    """One dead letter for each event that failed and for each message that nobody can read, and no other.

    But for those of the app `besides`, which are replayed.
    """
    wanted = {(one.app_id, one.event_id) for one in ended if one.outcome == "failed"}
    with site.letters() as found:
        found.until(lambda some: sum(one.value.app_id != besides or not besides for one in some)
                    >= len(wanted) + unreadable, READ_SECONDS)
        read = [one for one in found.now(0.3) if one.value.app_id != besides or not besides]
    events = Counter((one.value.app_id, one.value.event_id) for one in read if one.value.event_id)
    raw = Counter(one.key for one in read if not one.value.event_id)
    return [
        *(f"{key} has {count} dead letters" for key, count in events.items() if count > 1),
        *(f"{key!r} has {count} dead letters" for key, count in raw.items() if count > 1),
        *(f"{key} failed and has no dead letter" for key in wanted - events.keys()),
        *(f"{key} has a dead letter and did not fail" for key in events.keys() - wanted),
        *([] if len(raw) == unreadable else [f"{len(raw)} dead letters of {unreadable} unreadable messages"]),
    ]


def books(site: Site) -> list[str]:
    """What `prompt-actions books` finds, drawn up from the topics alone."""
    environ = site.environment("reader")
    settings = load_settings(environ, None)
    found = read_books(settings, configuration=load(settings.config_folder, environ), codec=Codec())
    return [f"books: {one}" for one in found.differences]
