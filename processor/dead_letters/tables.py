"""Tables of the index of dead letters."""

from __future__ import annotations

FORMAT = "2"
FILLED = ("letters", "bodies", "kinds", "alikes", "facets", "positions")
"""Tables of what was read from the topic."""
COLUMNS = ("hash", "key", "partition", "offset", "state", "at", "kind", "user", "event", "replays", "failures",
           "connector", "action", "reason", "code", "message")
TABLES = """
    CREATE TABLE IF NOT EXISTS about(name TEXT PRIMARY KEY, value TEXT);
    CREATE TABLE IF NOT EXISTS positions(partition INTEGER PRIMARY KEY, offset INTEGER);
    CREATE TABLE IF NOT EXISTS letters(row INTEGER PRIMARY KEY, hash INTEGER UNIQUE, key BLOB, partition INTEGER,
        offset INTEGER, state TEXT, at INTEGER, kind INTEGER, user TEXT, event TEXT, replays INTEGER,
        failures INTEGER, connector TEXT, action TEXT, reason TEXT, code TEXT, message TEXT);
    CREATE TABLE IF NOT EXISTS bodies(row INTEGER PRIMARY KEY, data BLOB);
    CREATE TABLE IF NOT EXISTS kinds(kind INTEGER PRIMARY KEY, spec BLOB UNIQUE, app TEXT, prompt TEXT, alike INTEGER);
    CREATE TABLE IF NOT EXISTS alikes(alike INTEGER PRIMARY KEY, app TEXT, connector TEXT, action TEXT, reason TEXT,
        code TEXT, UNIQUE(app, connector, action, reason, code));
    CREATE TABLE IF NOT EXISTS facets(kind INTEGER, app TEXT, prompt TEXT, interaction TEXT, connector TEXT,
        action TEXT, reason TEXT, code TEXT);
    CREATE INDEX IF NOT EXISTS facets_kind ON facets(kind);
"""
INDEXES = """
    CREATE INDEX IF NOT EXISTS letters_at ON letters(at, hash, kind, state);
    CREATE INDEX IF NOT EXISTS letters_kind ON letters(kind, at, hash, state);
    CREATE INDEX IF NOT EXISTS letters_user ON letters(user);
    CREATE INDEX IF NOT EXISTS letters_event ON letters(event);
"""
# A letter that succeeded tells no failure any more: what it was known by before stays, and when it failed.
_KEPT = " ".join(f"{name} = CASE WHEN excluded.failures = 0 AND excluded.event <> '' THEN letters.{name} "
                 f"ELSE excluded.{name} END," for name in ("at", "kind", "connector", "action", "reason", "code"))
PUT = f"""
    INSERT INTO letters({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) ON CONFLICT(hash) DO UPDATE SET
    {_KEPT} partition = excluded.partition, offset = excluded.offset, state = excluded.state,
    user = excluded.user, event = excluded.event, replays = excluded.replays, failures = excluded.failures,
    message = excluded.message
"""  # noqa: S608 - names of columns, no input
