"""The emulated customer's endpoint takes anything, and checks what it is told to check."""

from __future__ import annotations

import hmac
import time
from base64 import b64decode, b64encode

import pytest

from testkit.vendors.credentials import CUSTOM_API_KEY, CUSTOM_WEBHOOK_SECRET


@pytest.fixture
def api(caller):
    return caller("custom_api")


def signed(body: bytes, *, id: str = "msg_1", at: int | None = None, secret: str = CUSTOM_WEBHOOK_SECRET):
    stamp = str(int(time.time()) if at is None else at)
    key = b64decode(secret.removeprefix("whsec_"))
    signature = b64encode(hmac.digest(key, f"{id}.{stamp}.".encode() + body, "sha256")).decode()
    return {"webhook_id": id, "webhook_timestamp": stamp, "webhook_signature": f"v1,{signature}"}


def test_anything_is_taken_and_noted(api, control):
    assert api("POST", "/hook", data={"user_id": "ann"}, X_Request_Id="o1", Idempotency_Key="k").status == 200
    assert api("PUT", "/other", form={"email": "bob@example.com"}).status == 200
    assert api("GET", "/read?user_id=ann").status == 200
    first, second = control.ledger("custom_api")
    assert (first.user, first.key, first.mark) == ("ann", "k", "o1")
    assert (second.user, second.detail["path"]) == ("bob@example.com", "/other")


def test_signatures_are_checked_once_a_secret_is_seeded(api, control):
    body = b'{"a":1}'
    assert api("POST", "/hook", body=body).status == 200
    control.seed("custom_api", "secret", secret=CUSTOM_WEBHOOK_SECRET)
    assert api("POST", "/hook", body=body).json["error"] == "bad_signature"
    assert api("POST", "/hook", body=body, **signed(body)).status == 200
    assert api("POST", "/hook", body=b"other", **signed(body)).status == 401
    assert api("POST", "/hook", body=body, **signed(body, at=int(time.time()) - 600)).status == 401
    assert api("POST", "/hook", body=body, **signed(body, secret="whsec_AAAA")).status == 401


def test_one_good_signature_among_several_is_enough(api, control):
    control.seed("custom_api", "secret")
    headers = signed(b"x")
    headers["webhook_signature"] = f"v1,bm9uc2Vuc2U= {headers['webhook_signature']}"
    assert api("POST", "/hook", body=b"x", **headers).status == 200


def test_a_bearer_token_is_checked_once_it_is_seeded(api, control):
    control.seed("custom_api", "bearer", token=CUSTOM_API_KEY)
    assert api("POST", "/hook", data={}).status == 401
    assert api("POST", "/hook", data={}, Authorization=f"Bearer {CUSTOM_API_KEY}").status == 200


def test_answers_are_scripted_by_path_and_refusals_are_no_effects(api, control):
    control.seed("custom_api", "answer", path="^/refuse", status=422, body={"why": "no"}, headers={"Location": "/x"})
    got = api("POST", "/refuse/1", data={})
    assert (got.status, got.json, got.headers["location"]) == (422, {"why": "no"}, "/x")
    assert control.ledger("custom_api") == []


def test_repeats_happen_again_unless_the_endpoint_tells_them(api, control):
    for _ in range(2):
        api("POST", "/hook", data={"a": 1}, Idempotency_Key="k")
    assert control.counts("custom_api") == {"call.taken": 2}
    control.seed("custom_api", "dedupe", on=True)
    answers = [api("POST", "/hook", data={"a": 1}, Idempotency_Key="k2") for _ in range(2)]
    assert answers[0].body == answers[1].body
    assert control.counts("custom_api") == {"call.taken": 3, "(replayed)": 1}
    assert api("POST", "/hook", data={"a": 2}, Idempotency_Key="k2").status == 422
