"""What live bindings rely on: ids and fields of connectors, recorded in a file; `python -m testkit.lock` renews it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from connectors.kit.catalogue import catalogue
from connectors.kit.connector import Connector

FILE = Path(__file__).parents[1] / "tests" / "connectors" / "lock.json"
Lock = dict[str, Any]


def present(connectors: Mapping[str, Connector]) -> Lock:
    """What the connectors offer and ask for now."""
    return {connector.id: _connector(connector) for connector in connectors.values()}


def _connector(connector: Connector) -> Lock:
    return {
        "settings": _model(connector.settings.model_fields),
        "actions": {one.id: {**_model(one.params.model_fields),
                             "form": sorted(field.name for field in one.form_inputs if field.required)}
                    for one in connector.actions.values()},
        "exports": {one.id: _model(one.params.model_fields) for one in connector.exports.values()},
    }


def _model(fields: Mapping[str, Any]) -> Lock:
    return {"fields": sorted(fields),
            "required": sorted(name for name, field in fields.items() if field.is_required())}


def breaks(recorded: Lock, now: Lock) -> list[str]:
    """What would break configuration that was valid when `recorded` was written; new things break nothing."""
    found: list[str] = []
    for name, old in recorded.items():
        new = now.get(name)
        if new is None:
            found.append(f"connector {name} is gone")
            continue
        found += _changes(f"settings of {name}", old["settings"], new["settings"])
        for kind in ("actions", "exports"):
            found += _operations(f"{name}.", old[kind], new[kind])
    return found


def _operations(prefix: str, recorded: Lock, now: Lock) -> Iterator[str]:
    for name, old in recorded.items():
        if name in now:
            yield from _changes(f"{prefix}{name}", old, now[name])
        else:
            yield f"{prefix}{name} is gone"


def _changes(where: str, old: Lock, new: Lock) -> Iterator[str]:
    for name in sorted(set(old["fields"]) - set(new["fields"])):
        yield f"{where}: field '{name}' is gone"
    for kind, word in (("required", "field"), ("form", "form input")):
        for name in sorted(set(new.get(kind, ())) - set(old.get(kind, ()))):
            yield f"{where}: {word} '{name}' is required now"


def main(arguments: list[str]) -> int:
    """Write the lock, or say what keeps it from being written; `--force` writes all the same."""
    now = present(catalogue())
    recorded: Lock = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    found = breaks(recorded, now)
    if found and "--force" not in arguments:
        sys.stderr.write("\n".join([*found, "Live bindings would break. If that is meant: --force", ""]))
        return 1
    FILE.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
