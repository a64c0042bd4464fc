"""The reference pages in docs/connectors, made from the code: `python -m testkit.pages` renews them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from connectors.kit.action import Action, Requires
from connectors.kit.catalogue import catalogue
from connectors.kit.connector import Connector
from connectors.kit.export import Export
from testkit.asked import asked
from testkit.page_words import (
    code,
    doubt,
    duration,
    fields_table,
    listed,
    repeats,
    safeties,
    size,
    table,
)

FOLDER = Path(__file__).parents[1] / "docs" / "connectors"
INDEX = "README.md"
COMMAND = "python -m testkit.pages"
MARK = f"<!-- Made from the code by `{COMMAND}`: change the connector, not this page. -->"
CATEGORIES: Mapping[str, str] = {
    "billing": "Billing and in-app purchases", "crm_marketing": "CRM, marketing and support",
    "analytics": "Analytics", "push": "Push", "custom": "Custom",
}

Lines = Iterator[str]


def pages(connectors: Mapping[str, Connector]) -> dict[str, str]:
    """The text of every page by its file name, the index among them."""
    made = {f"{one.id}.md": _text(_page(one)) for one in connectors.values()}
    return {INDEX: _text(_index(list(connectors.values()))), **made}


def stale(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """Names of pages in `folder` that are not what they should be: changed, missing, or of no connector."""
    there = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))}
    return sorted(name for name in {*there, *wanted} if there.get(name) != wanted.get(name))


def _text(lines: Lines) -> str:
    return "\n".join(lines).rstrip() + "\n"


def _index(connectors: Sequence[Connector]) -> Lines:
    yield from ("# Connectors", "", MARK, "")
    yield (f"All {len(connectors)} connectors, one page each: what to enter, what to sync, what each action does, and"
           " what keeps it from being done twice.")
    yield ""
    for category, title in CATEGORIES.items():
        found = [one for one in connectors if one.category == category]
        if found:
            yield from (f"## {title}", "")
            yield from table(("connector", "id", "actions", "exports", "what it does"), [
                (f"[{one.title}]({one.id}.md)" + (" (add-on)" if one.addon else ""), code(one.id),
                 str(len(one.actions)), str(len(one.exports)), one.help) for one in found])
            yield ""


def _page(connector: Connector) -> Lines:
    yield from (f"# {connector.title}", "", MARK, "", connector.help, "")
    yield from _about(connector)
    yield from _entering(connector)
    yield from _syncing(connector)
    if connector.actions:
        yield from ("## Actions", "")
    for action in connector.actions.values():
        yield from _action(connector, action)
    if connector.exports:
        yield from ("## Exports", "")
    for export in connector.exports.values():
        yield from _export(connector, export)
    yield from _limits(connector)


def _about(connector: Connector) -> Lines:
    yield f"- Id in configuration: {code(connector.id)}"
    if connector.api_version:
        yield f"- Version of the vendor's API: {connector.api_version}"
    yield f"- The vendor's own reference: <{connector.docs}>"
    if connector.addon:
        yield "- An add-on: each app that uses it lists it under `addons` in its `app.yaml`."
    if connector.confidence:
        yield from ("", "**What is not certain.** " + connector.confidence)
    yield ""


def _entering(connector: Connector) -> Lines:
    yield from ("## What to enter", "")
    yield from fields_table(connector.settings)
    yield ""
    if connector.check:
        yield "The connection can be tested: credentials that the vendor refuses are told before anything is bound."
    else:
        yield "The connection cannot be tested: the first call shows whether the settings are right."
    yield ""


def _syncing(connector: Connector) -> Lines:
    yield from ("## What to sync", "")
    attributes, context = _users_of_facts(connector)
    if not attributes and not context:
        yield from ("No attribute is looked for by name.", "")
        return
    if attributes:
        yield "Attributes of the user that are looked for; each action says which it cannot do without:"
        yield ""
        yield from table(("attribute", "used by"), [(code(name), listed(map(code, used)))
                                                    for name, used in attributes.items()])
        yield ""
    if context:
        yield "What the event itself can carry in its `context`:"
        yield ""
        yield from table(("in the context", "used by"), [(code(name), listed(map(code, used)))
                                                         for name, used in context.items()])
        yield ""


Used = dict[str, list[str]]


def _users_of_facts(connector: Connector) -> tuple[Used, Used]:
    """Attributes, and facts of the event's context, by the actions and exports that ask for them."""
    attributes: Used = {}
    context: Used = {}
    operations: list[Action | Export] = [*connector.actions.values(), *connector.exports.values()]
    for one in operations:
        found = asked(connector, one)
        declared = [name for name in one.requires.all_of + one.requires.any_of if not name.startswith("form.")]
        for name in dict.fromkeys([*declared, *found.attributes]):
            attributes.setdefault(name, []).append(one.id)
        for name in found.context:
            context.setdefault(name, []).append(one.id)
    return attributes, context


def _action(connector: Connector, action: Action) -> Lines:
    yield from (f"### {action.title}", "", code(f"{connector.id}.{action.id}"), "")
    yield from ((action.help, "") if action.help else ())
    yield from _needs(action.requires)
    if action.form_inputs:
        yield from ("Form inputs of the prompt:", "")
        for one in action.form_inputs:
            more = f": {one.help}" if one.help else ""
            yield f"- {code(one.name)}, {one.title}{'' if one.required else ' (may be absent)'}{more}"
        yield ""
    yield from _parameters(action)
    if action.kind == "instruction":
        yield ("No call is made, so nothing can be in doubt: the outcome tells your app what to do, in its details"
               " `instruction` and `instruction.*`.")
        yield ""
        return
    for when, safety in safeties(action, connector.settings):
        yield from (f"**Repeats{when}.** {repeats(safety, connector.title, action.keeps_keys)}", "")
        yield from (f"**In doubt{when}.** {doubt(safety, connector.title, action.keeps_keys, connector.doubt)}", "")


def _needs(requires: Requires) -> Lines:
    for names, word in ((requires.all_of, "Needs"), (requires.any_of, "Needs one of")):
        if names:
            yield from (f"{word}: {listed(_fact(name) for name in names)}.", "")


def _fact(name: str) -> str:
    typed = name.removeprefix("form.")
    return f"the form input {code(typed)}" if typed != name else f"the attribute {code(name)}"


def _parameters(operation: Action | Export) -> Lines:
    if operation.params.model_fields:
        yield from ("Parameters:", "")
        yield from fields_table(operation.params)
        yield ""


def _export(connector: Connector, export: Export) -> Lines:
    yield from (f"### {export.title}", "", code(f"{connector.id}.{export.id}"), "")
    yield from ((export.help, "") if export.help else ())
    what = "interactions of all prompts" if export.trigger == "interaction" else "changes of the user's attributes"
    yield f"Runs on {what}, in batches; each item has its own outcome, and a bad one does not keep the others back."
    yield ""
    yield from _needs(export.requires)
    yield from _parameters(export)
    limits = export.limits
    yield (f"One request holds at most {limits.items:,} items and {size(limits.bytes)}, one item"
           f" {size(limits.item_bytes)}; an item waits for others {duration(limits.age)} at most.")
    yield ""
    yield from (f"**Repeats.** {repeats(export.repeat, connector.title, 0.0)}", "")
    yield from (f"**In doubt.** {doubt(export.repeat, connector.title, 0.0, connector.doubt)}", "")


def _limits(connector: Connector) -> Lines:
    limits = connector.limits
    yield from ("## Limits", "")
    whole = float(limits.rate).is_integer()
    rate = f"{limits.rate:,.0f} requests a second" if whole else f"{limits.rate * 60:,.0f} requests a minute"
    yield (f"- At most {rate} for one app, over all processes." if limits.rate
           else "- The vendor names no rate; it is learnt from its refusals.")
    yield f"- At most {limits.concurrency} calls at once from one process."
    yield f"- A call is given up after {duration(limits.timeout)}."
    if connector.request_id_header:
        yield (f"- The vendor's name of a request ({code(connector.request_id_header)}) is kept with the outcome; its"
               " support asks for it.")


def main() -> int:
    """Write all pages, and take away those of connectors that are gone."""
    wanted = pages(catalogue())
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in stale(FOLDER, wanted):
        if name in wanted:
            (FOLDER / name).write_text(wanted[name], encoding="utf-8")
        else:
            (FOLDER / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
