"""What every connector keeps to, found by being there: this file is untouched when one is added."""

import ast
import copy
import importlib
import inspect
import json
import re
import types
import typing
from functools import partial
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from connectors.kit import Connector, Params, Repeat, Request, Settings, get
from connectors.kit.catalogue import FOLDERS, catalogue
from testkit import lock

ROOT = Path(__file__).parents[2]
FILES = sorted(path for folder in FOLDERS for path in (ROOT / "connectors" / folder).glob("*.py")
               if path.stem != "__init__")
PUBLIC = [path for path in FILES if not path.stem.startswith("_")]
CONNECTORS = list(catalogue().values())
ACTIONS = [(one, action) for one in CONNECTORS for action in one.actions.values()]
EXPORTS = [(one, export) for one in CONNECTORS for export in one.exports.values()]

SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
SECRET_WORDS = {"key", "keys", "secret", "secrets", "token", "tokens", "password", "passwords", "passphrase",
                "credential", "credentials"}
PURE = {
    "__future__", "base64", "binascii", "collections", "dataclasses", "datetime", "decimal", "difflib", "email", "enum",
    "functools", "gzip", "hashlib", "hmac", "html", "ipaddress", "itertools", "json", "math", "operator", "re",
    "string", "struct", "typing", "urllib.parse", "uuid", "xml", "zlib", "zoneinfo",
    "pydantic", "pydantic_core", "orjson", "connectors.kit",
}
"""Modules without I/O; credentials and signatures are the kit's, hence neither jwt nor cryptography."""
CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "uuid1", "uuid4", "token_hex", "token_urlsafe"}
OPENING = "get_secret_value"


def of(connectors):
    return pytest.mark.parametrize("connector", connectors, ids=lambda one: one.id)


def each(pairs):
    return pytest.mark.parametrize(("connector", "one"), pairs, ids=[f"{own.id}.{one.id}" for own, one in pairs])


def files(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


def module(path):
    return importlib.import_module(f"connectors.{path.parent.name}.{path.stem}")


# -- places and names


def test_there_are_connectors_to_look_at():
    """A contract over nothing holds always."""
    assert {"stripe", "zendesk"} <= {one.id for one in CONNECTORS}


@files(PUBLIC)
def test_a_file_holds_the_connector_it_is_named_after_in_the_folder_of_its_category(path):
    found = module(path).connector
    assert isinstance(found, Connector)
    assert (found.id, found.category) == (path.stem, path.parent.name)
    assert catalogue()[path.stem] is found


@files(PUBLIC)
def test_a_connector_has_a_test_file(path):
    assert (ROOT / "tests" / "connectors" / path.parent.name / f"test_{path.stem}.py").is_file()


@of(CONNECTORS)
def test_ids_are_lower_snake_case(connector):
    ids = [connector.id, *connector.actions, *connector.exports, *connector.options]
    assert [one for one in ids if not SNAKE.fullmatch(one)] == []


@of(CONNECTORS)
def test_a_connector_does_something_and_says_what_for_whom(connector):
    assert connector.actions or connector.exports
    assert connector.title
    assert connector.help
    assert connector.docs.startswith("https://")


# -- purity


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@files(FILES)
def test_a_connector_imports_only_what_does_no_io(path):
    own = f"connectors.{path.parent.name}."
    foreign = [name for name in imported(path) if not name.startswith(own)
               and not any(name == pure or name.startswith(f"{pure}.") for pure in PURE)]
    assert foreign == []


def own_files(path, seen=frozenset()):
    """The files of a connector: its own, and those with an underscore that it imports."""
    names = {part for name in imported(path) for part in name.split(".") if part.startswith("_")}
    nearby = {path.with_name(f"{name}.py") for name in names} & set(FILES)
    seen = seen | {path}
    for one in nearby - seen:
        seen = own_files(one, seen)
    return seen


@files(PUBLIC)
def test_connectors_do_not_import_one_another(path):
    others = {f"connectors.{other.parent.name}.{other.stem}" for other in PUBLIC if other != path}
    names = {name for file in own_files(path) for name in imported(file)}
    assert [name for name in names if any(name == one or name.startswith(f"{one}.") for one in others)] == []


@files([path for path in FILES if path not in PUBLIC])
def test_a_second_file_belongs_to_one_connector(path):
    assert len([public for public in PUBLIC if path in own_files(public)]) == 1


@files(FILES)
def test_time_chance_and_ids_are_passed_in(path):
    called = [node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    names = [getattr(func, "attr", getattr(func, "id", "")) for func in called]
    assert sorted(CLOCKS.intersection(names)) == []


# -- vendors' names

ORDINARY = {"heap", "iterable", "piano", "segment"}
"""Ids that are words of the language too, and so tell nothing."""
PARTS = ("processor", "console", "connectors/kit")
STORY = ROOT / "processor" / "demo"
"""The demonstration, which plays with vendors of its own choice."""
NAMES = re.compile(rf"({'|'.join(sorted({one.id for one in CONNECTORS} - ORDINARY))})(_\w+)?")


def written(tree):
    """Names in code, and texts that are names; help and docstrings may give examples."""
    for node in ast.walk(tree):
        for kind, name in ((ast.Name, "id"), (ast.Attribute, "attr"), (ast.ImportFrom, "module"), (ast.alias, "name"),
                           (ast.FunctionDef, "name"), (ast.ClassDef, "name"), (ast.Constant, "value")):
            if isinstance(node, kind):
                yield from (part for part in [getattr(node, name)] if isinstance(part, str))


def vendors_in(code):
    return [text for text in written(ast.parse(code)) if any(map(NAMES.fullmatch, text.lower().split(".")))]


def test_what_serves_all_connectors_knows_none_by_its_name():
    files = [path for part in PARTS for path in (ROOT / part).rglob("*.py") if STORY not in path.parents]
    assert len(files) > 100
    found = {path.relative_to(ROOT).as_posix(): vendors_in(path.read_text("utf-8")) for path in files}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize("code", [
    "if connector == 'stripe': pass", "stripe_id = 1", "import connectors.billing.stripe", "def fcm_send(): pass",
    "ids = {'zendesk.create_ticket': 1}",
])
def test_a_vendors_name_in_code_is_found(code):
    assert len(vendors_in(code)) == 1


# -- forms


def fields(model, where=""):
    """All fields of a form, those of nested models too."""
    for name, found in model.model_fields.items():
        yield f"{where}{name}", found
        for inner in nested(found.annotation):
            yield from fields(inner, f"{where}{name}.")


def nested(annotation):
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from nested(inner)


def is_secret(annotation):
    return annotation is SecretStr or any(is_secret(one) for one in typing.get_args(annotation))


def extra(found):
    return found.json_schema_extra if isinstance(found.json_schema_extra, dict) else {}


def models(connector):
    operations = [*connector.actions.values(), *connector.exports.values()]
    return [connector.settings, *(one.params for one in operations)]


@of(CONNECTORS)
def test_forms_are_frozen_and_refuse_what_they_do_not_know(connector):
    assert issubclass(connector.settings, Settings)
    assert all(issubclass(model, Params) for model in models(connector)[1:])
    assert all(model.model_config["frozen"] and model.model_config["extra"] == "forbid" for model in models(connector))


@of(CONNECTORS)
def test_every_field_has_a_title_and_a_help_that_a_marketer_can_read(connector):
    assert [name for model in models(connector) for name, found in fields(model) if not found.title] == []
    assert [name for model in models(connector) for name, found in fields(model) if not found.description] == []


@of(CONNECTORS)
def test_what_sounds_like_a_secret_is_one_or_is_said_to_be_public(connector):
    loud = [name for name, found in fields(connector.settings)
            if SECRET_WORDS.intersection(name.rpartition(".")[2].split("_"))
            and not is_secret(found.annotation) and not extra(found).get("public")]
    assert loud == [], "use SecretStr, or field(..., public=True)"


@of(CONNECTORS)
def test_parameters_of_bindings_hold_no_secrets(connector):
    """They stand in configuration topics and pages in clear."""
    params = [entry for model in models(connector)[1:] for entry in fields(model)]
    assert [name for name, found in params if is_secret(found.annotation)] == []


@of(CONNECTORS)
def test_pick_lists_that_fields_name_exist(connector):
    named = {extra(found).get("options") for model in models(connector) for _, found in fields(model)} - {None}
    assert sorted(named - set(connector.options)) == []


@of(CONNECTORS)
def test_forms_can_be_written_as_json_schema(connector):
    for model in models(connector):
        assert set(model.model_json_schema()["properties"] if model.model_fields else {}) == set(model.model_fields)


# -- flows


def plain(function):
    while isinstance(function, partial):
        function = function.func
    return inspect.unwrap(function)


def code_of(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from code_of(constant)


def mentioned(function):
    return {name for code in code_of(function.__code__) for name in code.co_names}


def reached(start, settings):
    """All functions of ours that `start` can come to: by name, through modules, closures and settings' properties."""
    seen, queue = {}, [plain(start)]
    home = plain(start).__module__  # of a package from outside, too
    while queue:
        function = queue.pop()
        if id(function) in seen or not getattr(function, "__module__", "").startswith(("connectors.", home)):
            continue
        seen[id(function)] = function
        found = [plain(one) for one in neighbours(function, settings) if callable(one)]
        queue += [one for one in found if hasattr(one, "__code__")]
    return list(seen.values())


def neighbours(function, settings):
    names, spaces = mentioned(function), function.__globals__
    for name in names:
        found = spaces.get(name)
        yield from methods(found) if isinstance(found, type) else (found,)
        if isinstance(found, types.ModuleType) and found.__name__.startswith("connectors."):
            yield from (vars(found).get(inner) for inner in names)
        member = inspect.getattr_static(settings, name, None)
        yield member.fget if isinstance(member, property) else member
    for cell in function.__closure__ or ():
        yield cell.cell_contents


def methods(found):
    """What a class of a connector can do, once a flow makes one."""
    return [one for one in vars(found).values() if inspect.isfunction(one)] if not issubclass(found, Settings) else ()


def answers_yes_or_no(function):
    """Whether something is there, or of which kind, gives no secret away."""
    return function.__annotations__.get("return") in (bool, "bool")


def flows_of(connector):
    yield from ((f"action {one.id}", one.run) for one in connector.actions.values())
    for one in connector.exports.values():
        yield from ((f"export {one.id}", one.send), (f"item of {one.id}", one.item))
    yield from ((f"pick list {name}", flow) for name, flow in connector.options.items())
    if connector.check:
        yield "check", connector.check


@of(CONNECTORS)
def test_flows_are_generators(connector):
    functions = [flow for name, flow in flows_of(connector) if not name.startswith("item of ")]
    assert [plain(one).__qualname__ for one in functions if not inspect.isgeneratorfunction(plain(one))] == []
    tokens = [plain(one) for one in connector.tokens.values()]
    assert [one.__qualname__ for one in tokens if not hasattr(one, "__code__")] == []


@of(CONNECTORS)
def test_flows_never_open_a_secret(connector):
    """Signing comes last: what a flow yields may be logged and kept."""
    opened = [f"{name}: {function.__qualname__}" for name, flow in flows_of(connector)
              for function in reached(flow, connector.settings)
              if OPENING in mentioned(function) and not answers_yes_or_no(function)]
    assert opened == []


@files(PUBLIC)
def test_secrets_are_opened_by_signers_and_token_flows_only(path):
    connector = module(path).connector
    roots = [connector.signer, *connector.tokens.values()]
    allowed = {function.__name__ for root in roots for function in reached(root, connector.settings)}
    found = {name for file in own_files(path) for name in openers(ast.parse(file.read_text(encoding="utf-8")))}
    assert sorted(found - allowed - set(vars(connector.settings)) - validators(connector.settings)) == []


def openers(tree):
    """Names of the functions that open a secret themselves; "" for code outside of functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            if any(isinstance(one, ast.Attribute) and one.attr == OPENING for one in ast.walk(node)):
                yield node.name
        elif isinstance(node, ast.Module):
            yield from ("" for one in node.body if not isinstance(one, ast.FunctionDef | ast.ClassDef)
                        for inner in ast.walk(one) if isinstance(inner, ast.Attribute) and inner.attr == OPENING)


def validators(settings):
    """Functions that a settings model uses to check itself."""
    methods = [one for one in vars(settings).values() if callable(getattr(one, "wrapped", one))]
    found = [getattr(one, "wrapped", one) for one in methods]
    return {inner.__name__ for one in found if hasattr(one, "__code__") for inner in reached(one, settings)}


# -- repeats


@each(ACTIONS)
def test_an_action_has_a_title_and_names_attributes_as_they_are_synced(connector, one):
    assert one.title
    needed = one.requires.any_of + one.requires.all_of
    assert [name for name in needed if not SNAKE.fullmatch(name.removeprefix("form."))] == []
    assert [entry.name for entry in one.form_inputs if not (entry.title and SNAKE.fullmatch(entry.name))] == []


@each(ACTIONS)
def test_what_is_repeated_with_a_key_sends_one_that_the_vendor_keeps(connector, one):
    if one.repeat is not Repeat.KEY:
        return
    assert one.keeps_keys > 0
    known = {name for function in reached(one.run, connector.settings) for name in mentioned(function)}
    assert known & {"key", "outcome_id"}, "the flow never asks for call.key(step)"


@each(ACTIONS)
def test_what_looks_before_it_acts_has_something_to_look_with(connector, one):
    if one.repeat is not Repeat.LOOK_BEFORE:
        return
    if not isinstance(get, types.FunctionType):
        pytest.skip("what was compiled cannot be looked into; `make test` looks into the sources")
    found = reached(one.run, connector.settings)
    keywords = {word for function in found for code in code_of(function.__code__)
                for constant in code.co_consts if isinstance(constant, tuple) for word in constant}
    assert "get" in {function.__name__ for function in found} or "effect" in keywords, "the flow reads nothing"


@each(ACTIONS)
def test_an_instruction_calls_nobody(connector, one):
    if one.kind == "instruction":
        names = {function.__name__ for function in reached(one.run, connector.settings)}
        assert not names & {"get", "post", "put", "patch", "delete", "build"}


@each(EXPORTS)
def test_an_export_says_how_much_fits_into_a_request(connector, one):
    assert one.title
    assert 0 < one.limits.item_bytes <= one.limits.bytes
    assert one.limits.items > 0
    assert one.limits.age > 0


@of(CONNECTORS)
def test_limits_let_calls_through(connector):
    assert connector.limits.concurrency > 0
    assert 0 < connector.limits.timeout <= 60
    assert connector.limits.rate >= 0


# -- the lock


def test_nothing_that_live_bindings_rely_on_has_changed():
    recorded = json.loads(lock.FILE.read_text(encoding="utf-8"))
    assert lock.breaks(recorded, lock.present(catalogue())) == []


def test_the_lock_knows_the_connectors_that_came_with_it():
    assert {"stripe", "zendesk"} <= set(json.loads(lock.FILE.read_text(encoding="utf-8")))


# -- the contract itself can fail


class Leaky(Settings):
    api_key: SecretStr
    key_id: str

    @property
    def opened(self):
        return self.api_key.get_secret_value()

    @property
    def is_live(self) -> bool:
        return self.api_key.get_secret_value() == "live"


def ours(function):
    """As if it stood in a connector."""
    function.__module__ = "connectors.test"
    return function


def leaks(flow):
    for one in (Leaky.opened, Leaky.is_live):
        ours(one.fget)
    return [one.__name__ for one in reached(ours(flow), Leaky)
            if OPENING in mentioned(one) and not answers_yes_or_no(one)]


def test_a_flow_that_opens_a_secret_is_found():
    def directly(call):
        yield Request("GET", call.settings.api_key.get_secret_value())

    def by_a_property(call):
        yield Request("GET", call.settings.opened)

    def in_a_closure(call):
        yield Request("GET", "".join(inner for inner in [directly]))

    def by_its_kind_only(call):
        yield Request("GET", str(call.settings.is_live))

    assert leaks(directly) == ["directly"]
    assert leaks(by_a_property) == ["opened"]
    assert leaks(in_a_closure) == ["directly"]
    assert leaks(by_its_kind_only) == []


def test_a_secret_that_is_plain_text_is_found_unless_said_to_be_public():
    assert [name for name, found in fields(Leaky) if SECRET_WORDS.intersection(name.split("_"))
            and not is_secret(found.annotation)] == ["key_id"]


RECORDED = {"v": {"settings": {"fields": ["a", "b"], "required": ["a"]}, "exports": {},
                  "actions": {"do": {"fields": ["x"], "required": [], "form": []}}}}


@pytest.mark.parametrize(("change", "said"), [
    (lambda now: now.pop("v"), ["connector v is gone"]),
    (lambda now: now["v"]["settings"]["fields"].remove("b"), ["settings of v: field 'b' is gone"]),
    (lambda now: now["v"]["settings"]["required"].append("b"), ["settings of v: field 'b' is required now"]),
    (lambda now: now["v"]["actions"].clear(), ["v.do is gone"]),
    (lambda now: now["v"]["actions"]["do"]["required"].append("x"), ["v.do: field 'x' is required now"]),
    (lambda now: now["v"]["actions"]["do"]["form"].append("email"), ["v.do: form input 'email' is required now"]),
    (lambda now: now["v"]["actions"].update(more={"fields": ["y"], "required": ["y"]}), []),
    (lambda now: now["v"]["actions"]["do"]["fields"].append("z"), []),
    (lambda now: now.update(w=now["v"]), []),
])
def test_the_lock_tells_what_breaks_from_what_is_new(change, said):
    now = copy.deepcopy(RECORDED)
    change(now)
    assert lock.breaks(RECORDED, now) == said
