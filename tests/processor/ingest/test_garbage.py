"""Whatever is sent: an answer that says what to do, never a 500."""

from __future__ import annotations

import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

PATHS = ("interactions", "attributes", "track", "identify", "batch")
SHOP = "shop-key-0123456789"
FINE = {202, 400, 401, 403, 413, 415, 422, 429}

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.sampled_from([
    "event_id", "app_id", "user_id", "prompt_id", "interaction", "time", "form", "context", "attributes", "mode",
    "goal_value", "userId", "event", "properties", "traits", "messageId", "timestamp", "promptId", "type", "batch",
    "os", "ip"]) | TEXTS
WORDS = st.sampled_from(["accept", "Prompt Accepted", "merge", "replace", "track", "identify", "page", "shop", "news",
                         "2024-01-01T00:00:00Z", "", "\0", "x" * 5000])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | WORDS
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
                    max_leaves=20)
EVENTS = st.fixed_dictionaries(
    {"event_id": SCALARS, "user_id": SCALARS, "prompt_id": SCALARS, "interaction": WORDS},
    optional={"time": SCALARS, "form": JSON, "context": JSON, "goal_value": SCALARS, "app_id": SCALARS, "locale": JSON})
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

TRUE = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def dumped(value):
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, orjson.JSONEncodeError):
        return repr(value).encode()


def check(door, answer, before):
    assert answer.status_code in FINE, answer.text
    if answer.status_code == 202:
        assert len(door.out.taken) - before == answer.json()["accepted"]
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]
        assert len(door.out.taken) == before


@QUICK
@given(path=st.sampled_from(PATHS), value=JSON | EVENTS | st.lists(EVENTS, max_size=3))
def test_any_json_is_taken_whole_or_refused_whole(door, path, value):
    before = len(door.out.taken)
    check(door, door.raw(f"/v1/{path}", dumped(value)), before)


@QUICK
@given(path=st.sampled_from(PATHS), body=st.binary(max_size=200))
def test_any_bytes_are_refused(door, path, body):
    before = len(door.out.taken)
    check(door, door.raw(f"/v1/{path}", body), before)


@QUICK
@given(name=st.sampled_from(["Authorization", "Content-Type", "Idempotency-Key", "Content-Length", "Content-Encoding"]),
       value=st.binary(max_size=300).map(lambda data: data.translate(None, b"\r\n\0").strip()))
def test_any_header_gets_an_answer(door, name, value):
    before = len(door.out.taken)
    sent = {"Authorization": f"Bearer {SHOP}".encode(), "Content-Type": b"application/json", name: value}
    answer = door.ask("POST", "/v1/interactions", content=b'{"user_id": "u"}', headers=sent)
    check(door, answer, before)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_the_description_is_true(door, path, mode):
    """Every answer is one that the description has, with its media type and its form."""
    operation = schemathesis.openapi.from_asgi("/openapi.json", door.app)[f"/v1/{path}"]["POST"]

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def holds(case):
        case.call_and_validate(headers={"Authorization": f"Bearer {SHOP}"}, checks=TRUE)

    holds()
