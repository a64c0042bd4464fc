"""Credentials: header values, tokens from OAuth2 client credentials, signed JWTs."""

from base64 import b64decode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.kit import Misconfigured, Token, post
from connectors.kit.auth import (
    basic,
    bearer,
    client_credentials,
    client_credentials_form,
    private_key_problem,
    signed_jwt,
    starts_with,
)
from testkit import flows

REQUEST = post("https://auth.example/token", form={"grant_type": "client_credentials"})


def granted(json, **more):
    return flows.drive(client_credentials(REQUEST, 1000.0, **more), [flows.answer(200, json)]).done


@given(st.text(st.characters(exclude_characters=":", exclude_categories=["Cs"])),
       st.text(st.characters(exclude_categories=["Cs"])))
def test_basic_credentials_are_read_back_by_any_server(user, password):
    scheme, _, value = basic(user, SecretStr(password)).partition(" ")
    assert (scheme, b64decode(value).decode()) == ("Basic", f"{user}:{password}")


def test_credentials_are_taken_wrapped_or_plain():
    assert basic("u", "p") == basic("u", SecretStr("p")) == "Basic dTpw"
    assert bearer("t") == bearer(SecretStr("t")) == "Bearer t"
    assert starts_with(SecretStr("sk_test_1"), "sk_live_", "sk_test_")
    assert not starts_with(SecretStr("sk_test_1"), "sk_live_")


@pytest.mark.parametrize(("expires_in", "end"), [
    (3600, 4540.0), ("3600", 4540.0), (60, 1030.0), (0, 1000.0), (None, float("inf")), ("soon", float("inf")),
    (-5, float("inf")), ([], float("inf")),
])
def test_a_token_is_renewed_before_its_end_and_a_short_one_after_half_its_life(expires_in, end):
    assert granted({"access_token": "T", "expires_in": expires_in}) == Token("T", end)


def test_a_given_lifetime_stands_in_where_the_vendor_names_none():
    assert granted({"access_token": "T"}, lifetime=600, early=100).expires_at == 1500.0
    assert granted({"access_token": "T", "expires_in": 60}, lifetime=600, early=0).expires_at == 1060.0


@pytest.mark.parametrize(("json", "url"), [
    ({"host": "https://a.example"}, "https://a.example"), ({}, ""), ({"host": 5}, ""),
])
def test_the_answer_can_name_the_host_that_takes_the_token(json, url):
    assert granted({"access_token": "T", **json}, address_member="host").base_url == url


def test_the_token_request_changes_nothing_at_the_vendor():
    run = flows.drive(client_credentials(REQUEST, 0.0), [flows.answer(200, {"access_token": "T"})])
    assert [one.effect for one in run.requests] == [False]


@pytest.mark.parametrize("json", [{}, {"access_token": None}, {"access_token": 5}, ["T"], None])
def test_an_answer_without_a_token_is_a_setting_to_mend(json):
    run = flows.drive(client_credentials(REQUEST, 0.0), [flows.answer(200, json)])
    assert (run.reason, run.code) == ("misconfigured", "no_access_token")


def test_the_usual_form_carries_the_credentials_and_more():
    request = client_credentials_form("https://auth.example/token", "id", SecretStr("a&b"), scope="x y")
    assert request.path == "https://auth.example/token"
    assert (request.step, request.effect) == ("token", False)
    assert flows.form(request) == [("grant_type", "client_credentials"), ("client_id", "id"), ("client_secret", "a&b"),
                                   ("scope", "x y")]


def test_a_jwt_is_verified_by_the_other_half_of_the_key():
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    made = signed_jwt(SecretStr(pem), {"iss": "me"}, algorithm="ES256", headers={"kid": "k"})
    assert jwt.decode(made, key.public_key(), algorithms=["ES256"]) == {"iss": "me"}
    assert jwt.get_unverified_header(made)["kid"] == "k"


@pytest.mark.parametrize("key", ["", "secret words", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
def test_a_key_that_cannot_be_read_is_a_setting_to_mend_and_is_not_shown(key):
    with pytest.raises(Misconfigured) as caught:
        signed_jwt(SecretStr(key), {}, algorithm="ES256")
    assert caught.value.code == "bad_private_key"
    assert not key or key not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_key_of_another_kind_is_a_setting_to_mend():
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(Misconfigured):
        signed_jwt(SecretStr(pem), {}, algorithm="RS256")


def pem(key, encryption=None):
    return SecretStr(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode())


def test_keys_are_told_from_those_that_cannot_sign_before_any_call():
    p256, p384, four = (ec.generate_private_key(curve) for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP256K1()))
    wide = rsa.generate_private_key(65537, 2048)
    assert private_key_problem(pem(p256), "ES256") == private_key_problem(pem(wide), "RS256") == ""
    assert {private_key_problem(pem(one), "ES256") for one in (p384, four, wide)} == {"is no P-256 key"}
    assert private_key_problem(pem(p256), "RS256") == "is no RSA key"
    for unread in (SecretStr("words"), SecretStr(""), pem(p256, BestAvailableEncryption(b"pass"))):
        assert private_key_problem(unread, "ES256").startswith("is no private key in PEM")
