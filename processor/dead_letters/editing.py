"""What an editor shows of a message that could not be read."""

from __future__ import annotations

import orjson

from processor.model.dead_letter import DeadLetter

PLACEHOLDERS = {"event_id": "", "app_id": "", "user_id": "", "prompt_id": "", "interaction": "accept", "time": 0,
                "form": {}}


def draft(letter: DeadLetter) -> str:
    """The message as JSON where it is some, else an empty interaction with what key and time tell."""
    try:
        found = orjson.loads(letter.origin.value or b"")
    except orjson.JSONDecodeError:
        found = None
    app, _, user = (letter.origin.key or b"").decode("utf-8", "replace").partition(":")
    known = {**PLACEHOLDERS, "app_id": app, "user_id": user, "time": letter.origin.timestamp}
    return orjson.dumps({**known, **found} if isinstance(found, dict) else known, option=orjson.OPT_INDENT_2).decode()
