"""Tiny connectors with an action of each kind, and configurations that bind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from connectors.kit import (
    BatchLimits,
    Call,
    Connector,
    Done,
    Event,
    Item,
    Limits,
    NoParams,
    Rejected,
    Repeat,
    Request,
    Response,
    Settings,
    Token,
    TokenFlow,
    all_of,
    field,
    get,
    instruct,
    post,
    put,
    sign_with,
)
from connectors.kit.action import Flow, FormInput
from connectors.kit.connector import Read
from connectors.kit.export import BatchFlow, ItemEnd
from connectors.kit.http import Sign, SignContext, Signed
from connectors.kit.reading import read_status
from processor.config.model import App, AppConnector, Binding, Configuration, ExportBinding, Prompt, configuration_of

KEPT = 3600.0
"""Seconds for which the vendors keep idempotency keys."""
NO_LIMITS = Limits()
BATCHES = BatchLimits(3, 1000, 100, 1.0)
"""Three items, 1000 bytes, 100 an item, a second."""


class VendorSettings(Settings):
    """What the tiny connectors are configured with."""

    secret: str = field("Secret", default="s1", public=True)


def _harmless(call: Call[Any, Any]) -> Flow:
    yield put(f"/harmless/{call.event.event_id}")
    return Done("done")


def _key(call: Call[Any, Any]) -> Flow:
    answer = yield post(f"/key/{call.event.event_id}", headers={"Idempotency-Key": call.key("post")})
    return Done(str(answer.member("id") or ""))


def _look(call: Call[Any, Any]) -> Flow:
    found = yield get(f"/look/{call.event.event_id}", query={"doubtful": call.doubtful}, look_at=(404,))
    if found.ok:
        return Done("found", "already_done")
    yield post(f"/look/{call.event.event_id}")
    return Done("made")


def _never(call: Call[Any, Any]) -> Flow:
    yield post(f"/never/{call.event.event_id}")
    return Done("done")


def _twice(call: Call[Any, Any]) -> Flow:
    """Two effects, of which neither may be repeated, and a look at the end."""
    yield post(f"/first/{call.event.event_id}")
    yield post(f"/second/{call.event.event_id}")
    yield get(f"/end/{call.event.event_id}")
    return Done("done")


def _needs(call: Call[Any, Any]) -> Flow:
    yield put(f"/needs/{call.event.event_id}/{call.attribute('email')}")
    return Done("done")


def _tokened(call: Call[Any, Any]) -> Flow:
    yield put(f"/tokened/{call.event.event_id}", realm="main")
    return Done("done")


def _token(settings: VendorSettings, now: float) -> TokenFlow:
    answer: Response = yield post("/token", json={"secret": settings.secret}, effect=False)
    return Token(str(answer.member("token")), now + 600)


def _instruct(_call: Call[Any, Any]) -> Flow:
    return instruct("open_url")
    yield


def _broken(_call: Call[Any, Any]) -> Flow:
    yield get("/broken")
    raise ZeroDivisionError


def _refuses(_call: Call[Any, Any]) -> Flow:
    yield get("/refuses")
    raise Rejected("says_no", "the flow itself says no")


def _item(call: Call[Any, Any]) -> Item:
    if call.event.prompt_id == "broken":
        raise ZeroDivisionError
    return Item(call.event.event_id.encode(), call.outcome_id, call.event.variant_id or "")


def _send(_settings: Any, items: Sequence[Item]) -> BatchFlow:
    answer: Response = yield post("/import", body=b",".join(one.body for one in items))
    refused = set(answer.member("refused") or ())
    return [_item_end(one, refused) for one in items]


def _item_end(item: Item, refused: set[str]) -> ItemEnd:
    return Rejected("bad_item", "refused") if item.body.decode() in refused else Done(item.reference, "accepted")


ACTIONS: Mapping[str, tuple[Any, dict[str, Any]]] = {
    "harmless": (_harmless, {"repeat": Repeat.HARMLESS}),
    "key": (_key, {"repeat": Repeat.KEY, "keeps_keys": KEPT}),
    "look": (_look, {"repeat": Repeat.LOOK_BEFORE}),
    "never": (_never, {"repeat": Repeat.NEVER}),
    "twice": (_twice, {"repeat": Repeat.NEVER}),
    "needs": (_needs, {"repeat": Repeat.HARMLESS, "requires": all_of("email")}),
    "asks": (_harmless, {"repeat": Repeat.HARMLESS, "form_inputs": (FormInput("reason", "Reason"),)}),
    "tokened": (_tokened, {"repeat": Repeat.HARMLESS}),
    "instruct": (_instruct, {"repeat": Repeat.HARMLESS, "kind": "instruction"}),
    "broken": (_broken, {"repeat": Repeat.HARMLESS}),
    "refuses": (_refuses, {"repeat": Repeat.HARMLESS}),
}


def vendor(
    id: str, *, limits: Limits = NO_LIMITS, read: Read = read_status, more: Mapping[str, Any] | None = None,
    batch: BatchLimits = BATCHES, export_repeat: Repeat = Repeat.HARMLESS, send: Any = None,
) -> Connector:
    """A connector with every action of `ACTIONS`, those of `more` (name to generator function), and an export."""
    made = Connector(id, id.title(), "custom", VendorSettings, _signer(id), read=read, tokens={"main": _token},
                     limits=limits)
    for name, (run, declared) in ACTIONS.items():
        made.action(name, name.title(), **declared)(run)
    for name, run in (more or {}).items():
        made.action(name, name.title(), repeat=Repeat.HARMLESS)(run)
    made.export("events", "Events", item=_item, limits=batch, repeat=export_repeat)(send or _send)
    return made


def _signer(id: str) -> Any:
    def signer(settings: VendorSettings) -> Sign:
        plain = sign_with(f"https://{id}.test")

        def sign(request: Request, context: SignContext) -> Signed:
            if settings.secret == "unsignable":  # noqa: S105  a value that makes signing fail
                raise ZeroDivisionError
            signed = plain(request, context)
            token = context.token.value if context.token else settings.secret
            return signed._replace(headers=[*signed.headers, f"Authorization: {token}"])

        return sign

    return signer


class Bind(NamedTuple):
    """One binding as a test writes it: `Bind("alpha.key")`."""

    action: str
    """Connector and action, with a dot between."""
    id: str = ""
    on_error: Any = "stop"
    max_age: float | None = None
    in_doubt: Any = "hold"
    order: Any = "hold"


Chains = Mapping[str, Sequence[Bind | str]]
"""By prompt: what an accept sets off."""


def configuration(
    chains: Chains, *, connectors: Sequence[Connector] = (), exports: Sequence[str] = (), version: str = "v1",
    secret: str = "s1", app_id: str = "app",  # noqa: S107  not a real one
    limits: Limits | None = None,
) -> Configuration:
    """A configuration of one app; connectors that are named but not given are made by `vendor`."""
    known = {one.id: one for one in connectors}
    named = {_of(one).action.partition(".")[0] for chain in chains.values() for one in chain} | set(exports)
    for name in sorted(named - set(known)):
        known[name] = vendor(name)
    settings = VendorSettings(secret=secret)
    used = {name: AppConnector(one, settings, True, limits or one.limits) for name, one in known.items()}
    prompts = {name: Prompt(name, name, {"accept": _bindings(chain, known, settings)} if chain else {})
               for name, chain in chains.items()}
    made = tuple(_export(known[name], settings) for name in exports)
    return configuration_of({app_id: App(app_id, app_id, frozenset(), version, used, prompts, made)})


def _of(one: Bind | str) -> Bind:
    return Bind(one) if isinstance(one, str) else one


def _bindings(chain: Sequence[Bind | str], known: Mapping[str, Connector], settings: VendorSettings
              ) -> tuple[Binding, ...]:
    found: list[Binding] = []
    for position, one in enumerate(map(_of, chain)):
        connector_id, _, action_id = one.action.partition(".")
        connector = known[connector_id]
        repeats = sum(1 for other in found if other.id.partition("#")[0] == one.action)
        found.append(Binding(
            one.id or (one.action if not repeats else f"{one.action}#{repeats + 1}"), position, connector,
            connector.actions[action_id], NoParams(), settings, one.on_error, one.max_age, one.in_doubt, one.order))
    return tuple(found)


def _export(connector: Connector, settings: VendorSettings) -> ExportBinding:
    return ExportBinding(f"{connector.id}.events", connector, connector.exports["events"], NoParams(), settings,
                         frozenset({"accept", "decline", "impression"}))


def event(event_id: str, user_id: str = "ann0", prompt_id: str = "p", time: float = 0.0, **more: Any) -> Event:
    """An accepted prompt."""
    return Event(event_id, more.pop("app_id", "app"), user_id, prompt_id, more.pop("interaction", "accept"),
                 int(time * 1000), **more)
