"""The checker of requests against Google's description format finds what it is there to find."""

import orjson
import pytest

from connectors.kit import get, post
from testkit.discovery import load_methods
from testkit.specs import VARIABLE

DOCUMENT = {
    "schemas": {"Thing": {"type": "object", "properties": {"size": {"type": "integer"}, "in": {"$ref": "Thing"}}}},
    "resources": {"shops": {"resources": {"things": {"methods": {
        "get": {"httpMethod": "GET", "flatPath": "v1/{shop}/things/{id}", "response": {"$ref": "Thing"},
                "parameters": {"shop": {"location": "path"}, "view": {"location": "query"}}},
        "grow": {"httpMethod": "POST", "flatPath": "v1/{shop}/things/{id}:grow", "request": {"$ref": "Thing"},
                 "parameters": {"shop": {"location": "path"}}},
    }}}}},
}


@pytest.fixture
def methods(tmp_path, monkeypatch):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "acme.v1.json").write_bytes(orjson.dumps(DOCUMENT))
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    return load_methods("acme")


def test_what_is_not_there_is_none(methods):
    assert load_methods("other") is None


@pytest.mark.parametrize(("request_", "problems"), [
    (get("/v1/s/things/7", query={"view": "all"}), []),
    (post("/v1/s/things/7:grow", json={"in": {"size": 1}}), []),
    (get("/v1/s/things/7:grow"), ["there is no method GET /v1/s/things/7:grow"]),
    (get("/v1/s/things/7/8"), ["there is no method GET /v1/s/things/7/8"]),
    (get("/v1/s/things/7", query={"shop": "x"}), ["query: shop is unknown"]),
    (get("/v1/s/things/7", json={}), ["body: the method takes none"]),
    (post("/v1/s/things/7:grow", json={"in": {"size": "big"}}), ["Thing.in.size: 'big' is no integer"]),
])
def test_requests_are_checked(methods, request_, problems):
    assert methods.problems(request_) == problems


def test_answers_are_checked(methods):
    request = get("/v1/s/things/7")
    assert methods.answer_problems(request, {"size": 3}) == []
    assert methods.answer_problems(request, {"weight": 3}) == ["Thing: weight is unknown"]
    assert methods.answer_problems(post("/v1/s/things/7:grow"), {}) == ["the method answers nothing"]
