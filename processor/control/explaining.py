"""What would run for a user and an interaction: a dry run of the chain and the exports, without any call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from connectors.kit.action import Done, Repeat
from connectors.kit.errors import Broken, Failure, MissingAttributes
from connectors.kit.event import Call, Event, Value
from connectors.kit.http import Request
from processor.config.model import App, Binding, ExportBinding
from processor.engine.masking import masked, secrets_of
from processor.engine.runner import outcome_id

Verdict = Literal["runs", "instructs", "missing", "fails", "expired", "skipped"]
"""`instructs`: no call, the outcome tells the app's SDK what to do. `missing`: waits, then fails."""

NOT_GOOD = ("missing", "fails")


class Rendered(NamedTuple):
    """The first request of an action or the item of an export: unsigned, personal values masked."""

    method: str = ""
    path: str = ""
    body: str = ""
    step: str = ""


class Step(NamedTuple):
    """What one binding would do."""

    position: int
    """Place in the chain, from 0; -1 for an export."""
    binding: str
    title: str
    verdict: Verdict
    says: str
    """Why, in words of a person."""
    requires: tuple[str, ...] = ()
    """Attributes and form inputs that it asks for."""
    missing: tuple[str, ...] = ()
    on_error: str = ""
    repeat: str = ""
    request: Rendered | None = None


def steps(app: App, event: Event, attributes: Mapping[str, Value], now: float, *, grace: float = 0.0) -> list[Step]:
    """The chain of the event's interaction, in order; `grace` is how long missing attributes are waited for."""
    found: list[Step] = []
    stopped_by = ""
    for binding in app.chain(event.prompt_id, event.interaction):
        one = _skipped(binding, stopped_by) if stopped_by else _step(binding, event, attributes, now, grace)
        found.append(one)
        if one.verdict in NOT_GOOD and binding.on_error == "stop":
            stopped_by = stopped_by or binding.id
    return found


def exports(app: App, event: Event, attributes: Mapping[str, Value], now: float) -> list[Step]:
    """The exports that take the event."""
    return [_export(one, event, attributes, now) for one in app.exports if _takes(one, event)]


def _takes(one: ExportBinding, event: Event) -> bool:
    return (one.export.trigger == "interaction" and event.interaction in one.interactions
            and (one.prompts is None or event.prompt_id in one.prompts))


def _step(binding: Binding, event: Event, attributes: Mapping[str, Value], now: float, grace: float) -> Step:
    if binding.max_age is not None and now - event.time / 1000 > binding.max_age:
        return _made(binding, "expired", f"the interaction is older than its max_age of {binding.max_age:g} s")
    lacking = binding.action.absent(attributes, event.form)
    if lacking:
        return _made(binding, "missing", _waiting(binding, lacking, grace), missing=lacking)
    call = Call(event, attributes, binding.params, binding.settings, now=now,
                outcome_id=outcome_id(event.app_id, event.event_id, binding.id, 0))
    try:
        first = _first(binding.action.run(call))
    except MissingAttributes as failure:
        return _made(binding, "missing", _waiting(binding, failure.names, grace), missing=failure.names)
    except Failure as failure:
        return _made(binding, "fails", _failing(failure, call))
    if isinstance(first, Done):
        kind = first.detail.get("instruction", "")
        says = f"tells the app's SDK: {kind}" if kind else "ends without a call"
        return _made(binding, "instructs" if kind else "runs", says)
    rendered = _rendered(first, call)
    return _made(binding, "runs", f"first call: {rendered.method} {rendered.path}", request=rendered)


def _first(flow: Any) -> Request | Done:
    """What a flow does before any answer; a connector's bug is a Broken."""
    try:
        found: Request = next(flow)
    except StopIteration as end:
        return end.value if isinstance(end.value, Done) else Done()
    except Failure:
        raise
    except Exception as error:
        raise Broken("flow", f"{type(error).__name__} before the first call") from error
    finally:
        flow.close()
    return found


def _made(binding: Binding, verdict: Verdict, says: str, **more: Any) -> Step:
    safety: Repeat = binding.action.safety(binding.params, binding.settings)
    return Step(binding.position, binding.id, binding.action.title, verdict, says, tuple(_needs(binding)),
                on_error=binding.on_error, repeat=safety.value, **more)


def _needs(binding: Binding) -> Iterator[str]:
    needed = binding.action.requires
    yield from needed.all_of
    if needed.any_of:
        yield " or ".join(needed.any_of)
    yield from (f"form.{one.name}" for one in binding.action.form_inputs if one.required)


def _waiting(binding: Binding, names: Sequence[str], grace: float) -> str:
    needed = binding.action.requires.any_of
    listed = " or ".join(names) if set(names) == set(needed) else ", ".join(names)
    if any(name.startswith(("form.", "context.")) for name in names):
        return f"the event lacks {listed}: it would fail at once"
    return f"not synced: {listed}; it would wait {grace:g} s for that, then fail"


def _skipped(binding: Binding, behind: str) -> Step:
    return _made(binding, "skipped", f"behind '{behind}', which would fail and stops the chain")


def _export(binding: ExportBinding, event: Event, attributes: Mapping[str, Value], now: float) -> Step:
    def made(verdict: Verdict, says: str, **more: Any) -> Step:
        needed = binding.export.requires
        requires = (*needed.all_of, *((" or ".join(needed.any_of),) if needed.any_of else ()))
        return Step(-1, binding.id, binding.export.title, verdict, says, requires, **more)

    lacking = binding.export.requires.missing(attributes)
    if lacking:
        return made("missing", f"not synced: {', '.join(lacking)}", missing=lacking)
    call = Call(event, attributes, binding.params, binding.settings, now=now,
                outcome_id=outcome_id(event.app_id, event.event_id, binding.id, 0))
    try:
        item = binding.export.item(call)
    except Failure as failure:
        return made("fails", _failing(failure, call))
    except Exception as error:  # noqa: BLE001 - a connector's bug is told like one of its failures
        return made("fails", f"{type(error).__name__} while making its item: a bug of the connector")
    body = masked(item.body.decode("utf-8", "replace"), _personal(call))
    return made("runs", "sent in a batch, beside the chain", request=Rendered(body=body, step="item"))


def _failing(failure: Failure, call: Call[Any, Any]) -> str:
    return f"would fail as {failure.reason}: {masked(failure.message or failure.code, _personal(call))}"


def _rendered(request: Request, call: Call[Any, Any]) -> Rendered:
    personal = _personal(call)
    query = "&".join(f"{name}={value}" for name, value in request.query)
    path = masked(f"{request.path}{'?' if query else ''}{query}", personal)
    body = masked(request.body.decode("utf-8", "replace"), personal) if request.body else ""
    return Rendered(request.method, path, body, request.step)


def _personal(call: Call[Any, Any]) -> tuple[str, ...]:
    """Values that must not be shown: of the user, and of the settings' secrets."""
    values: list[str] = [call.event.user_id, *call.event.form.values(), *secrets_of(call.settings)]
    for value in call.attributes.values():
        values.extend(map(str, value) if isinstance(value, list) else [str(value)] if value is not None else [])
    return tuple(sorted(values, key=len, reverse=True))
