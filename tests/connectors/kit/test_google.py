"""Service accounts: key files that can be used, and tokens asked for with a signed assertion."""

import json
from functools import cache

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from connectors.kit.google import (
    GRANT,
    TOKEN_URL,
    service_account,
    service_account_problem,
    service_account_token,
    token_url_problem,
)
from testkit import flows
from testkit.flows import NOW, answer

SCOPE = "https://www.googleapis.com/auth/some.scope"


@cache
def key():
    return rsa.generate_private_key(65537, 2048)


def pem(private_key):
    return private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def key_file(**more):
    members = {"type": "service_account", "project_id": "shop-1", "client_email": "robot@shop-1.example",
               "private_key": pem(key()), "private_key_id": "kid-1", "token_uri": TOKEN_URL, **more}
    return SecretStr(json.dumps({name: value for name, value in members.items() if value is not None}))


def test_a_key_file_is_read_and_found_good():
    account = service_account(key_file(token_uri=None))
    assert (account.project_id, account.client_email, account.private_key_id, account.token_uri) == (
        "shop-1", "robot@shop-1.example", "kid-1", TOKEN_URL)
    assert service_account_problem(key_file()) == ""


@pytest.mark.parametrize(("given", "said"), [
    (SecretStr("-----BEGIN"), "is no JSON"), (SecretStr("[]"), "no key file of a service account"),
    (key_file(type="authorized_user"), "no key file of a service account"),
    (key_file(project_id=None, client_email=7), "lacks project_id, client_email"),
    (key_file(private_key="secret words"), "holds no private key in PEM"),
    (key_file(private_key=pem(ec.generate_private_key(ec.SECP256R1()))), "holds no RSA key"),
])
def test_a_key_file_that_cannot_be_used_says_why_and_repeats_nothing(given, said):
    problem = service_account_problem(given)
    assert said in problem
    assert "secret words" not in problem


def token(answers, file=None, **more):
    return flows.drive(service_account_token(file or key_file(), SCOPE, NOW, **more), answers)


def test_a_token_is_asked_for_with_an_assertion_of_the_account():
    run = token([answer(json={"access_token": "T", "expires_in": 3599, "token_type": "Bearer"})])
    (request,) = run.requests
    form = dict(flows.form(request))
    assert (run.lines, request.effect) == ([f"POST {TOKEN_URL}"], False)
    assert form.keys() == {"grant_type", "assertion"}
    assert form["grant_type"] == GRANT
    assert jwt.get_unverified_header(form["assertion"]) == {"alg": "RS256", "kid": "kid-1", "typ": "JWT"}
    claims = jwt.decode(form["assertion"], key().public_key(), algorithms=["RS256"], audience=TOKEN_URL,
                        options={"verify_exp": False, "verify_iat": False})
    assert claims == {"iss": "robot@shop-1.example", "scope": SCOPE, "aud": TOKEN_URL, "iat": int(NOW),
                      "exp": int(NOW) + 3600}


def test_a_token_is_renewed_five_minutes_before_its_end():
    made = token([answer(json={"access_token": "T", "expires_in": 3600})]).done
    assert (made.value, made.expires_at) == ("T", NOW + 3300)


def test_the_audience_stays_that_of_the_account_whichever_host_is_asked():
    (request,) = token([answer(json={"access_token": "T"})], token_url="http://localhost:1/token").requests
    assert request.path == "http://localhost:1/token"
    assertion = dict(flows.form(request))["assertion"]
    assert jwt.decode(assertion, options={"verify_signature": False})["aud"] == TOKEN_URL


@pytest.mark.parametrize(("url", "test_hosts", "sound"), [
    (TOKEN_URL, False, True), ("https://oauth2.googleapis.com.evil.example/token", False, False),
    ("http://localhost:1/token", False, False), ("http://localhost:1/token", True, True),
])
def test_assertions_go_to_google_only(url, test_hosts, sound):
    assert (token_url_problem(url, test_hosts=test_hosts) == "") == sound
