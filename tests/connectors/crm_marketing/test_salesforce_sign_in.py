"""Salesforce's settings by group, its token flows and its signers."""

from urllib.parse import parse_qsl

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from connectors.crm_marketing.salesforce_marketing_cloud import connector
from connectors.kit import Broken, SignContext, Token, get, post
from connectors.kit.soap import envelope, leaf
from testkit import flows

SUPPORT = {"support_login_url": "https://acme.my.salesforce.com", "support_client_id": "id",
           "support_client_secret": "hush"}
MARKETING = {"mc_client_id": "id", "mc_client_secret": "hush",
             "mc_base_url": "https://t.rest.marketingcloudapis.com/",
             "mc_auth_base_url": "https://t.auth.marketingcloudapis.com/",
             "mc_soap_base_url": "https://t.soap.marketingcloudapis.com/"}
BOTH = {**SUPPORT, **MARKETING}
PASSWORD = {**SUPPORT, "support_auth_flow": "password_legacy", "support_username": "u", "support_password": "pw"}
HOME = "https://acme.my.salesforce.com"
GRANTED = {"access_token": "T", "instance_url": "https://acme--x.my.salesforce.com", "token_type": "Bearer"}
MC_GRANTED = {"access_token": "T", "token_type": "Bearer", "expires_in": 1079,
              "rest_instance_url": "https://t2.rest.marketingcloudapis.com/",
              "soap_instance_url": "https://t2.soap.marketingcloudapis.com/"}


def settings(values):
    return connector.settings.model_validate(values)


def wrong(values):
    """Fields at which the settings are refused."""
    with pytest.raises(ValidationError) as caught:
        settings(values)
    assert "hush" not in str(caught.value)
    return {error["loc"] for error in caught.value.errors()}


def token(realm, values, *answers, now=flows.NOW):
    return flows.drive(connector.tokens[realm](settings(values), now), answers, connector.read)


def sign(request, values=BOTH, held=Token("T", float("inf"))):  # noqa: B008 - a frozen value
    return flows.sign(connector, values, request, token=held)


@pytest.mark.parametrize("values", [SUPPORT, MARKETING, BOTH, PASSWORD])
def test_either_half_is_enough(values):
    found = settings(values)
    assert (found.has_support, found.has_marketing) == ("support_client_id" in values, "mc_client_id" in values)


@pytest.mark.parametrize(("values", "fields"), [
    ({"support_client_id": "id"}, {("support_login_url",), ("support_client_secret",)}),
    ({"mc_from_email": "a@example.com"}, {("mc_client_id",), ("mc_client_secret",), ("mc_base_url",),
                                          ("mc_auth_base_url",), ("mc_soap_base_url",)}),
    ({**BOTH, "mc_client_secret": "", "support_client_id": ""}, {("mc_client_secret",), ("support_client_id",)}),
    ({**SUPPORT, "support_auth_flow": "jwt_bearer"}, {("support_username",), ("support_private_key",)}),
    ({**SUPPORT, "support_auth_flow": "password_legacy"}, {("support_username",), ("support_password",)}),
    ({**SUPPORT, "support_api_version": "66"}, {("support_api_version",)}),
    ({**MARKETING, "mc_account_id": "abc"}, {("mc_account_id",)}),
])
def test_each_field_that_a_half_lacks_is_named_at_its_place(values, fields):
    assert wrong(values) == fields


def test_settings_without_either_half_say_so():
    with pytest.raises(ValidationError, match="fill in the fields of Support"):
        settings({"support_api_version": "v65.0"})


@pytest.mark.parametrize(("field", "url"), [
    ("support_login_url", "http://acme.my.salesforce.com"), ("support_login_url", "https://evil.example"),
    ("support_login_url", "https://acme.my.salesforce.com.evil.example"), ("support_login_url", "https://salesforce.com"),
    ("support_login_url", "https://login.salesforce.com"), ("mc_base_url", "https://t.auth.marketingcloudapis.com"),
    ("mc_auth_base_url", "https://evil.example/.auth.marketingcloudapis.com"),
    ("mc_soap_base_url", "https://t.soap.marketingcloudapis.com@evil.example"), ("mc_base_url", "http://127.0.0.1:1"),
])
def test_a_host_to_which_credentials_must_not_go_is_refused(field, url):
    assert wrong({**BOTH, field: url}) == {(field,)}


def test_emulators_are_allowed_by_an_explicit_setting_only_and_foreign_hosts_never():
    urls = dict.fromkeys(("support_login_url", "mc_base_url", "mc_auth_base_url", "mc_soap_base_url"),
                         "http://127.0.0.1:80/salesforce")
    assert settings({**BOTH, **urls, "allow_test_hosts": True}).mc_base_url == "http://127.0.0.1:80/salesforce"
    assert wrong({**BOTH, "mc_base_url": "http://evil.example", "allow_test_hosts": True}) == {("mc_base_url",)}


def test_the_shared_logins_serve_the_other_flows():
    assert settings({**PASSWORD, "support_login_url": "https://login.salesforce.com"}).has_support


def test_client_credentials_are_sent_as_a_form_and_the_answer_names_the_host():
    run = token("support", SUPPORT, flows.answer(200, GRANTED))
    assert run.lines == [f"POST {HOME}/services/oauth2/token"]
    assert flows.form(run.requests[0]) == [
        ("grant_type", "client_credentials"), ("client_id", "id"), ("client_secret", "hush")]
    assert run.requests[0].realm == ""
    assert run.done == Token("T", float("inf"), "https://acme--x.my.salesforce.com")


def test_the_password_flow_puts_the_security_token_behind_the_password():
    run = token("support", {**PASSWORD, "support_security_token": "tok"}, flows.answer(200, GRANTED))
    assert dict(flows.form(run.requests[0])) == {
        "grant_type": "password", "client_id": "id", "client_secret": "hush", "username": "u", "password": "pwtok"}


@pytest.mark.parametrize(("host", "audience"), [
    ("https://acme.my.salesforce.com", "login"), ("https://login.salesforce.com", "login"),
    ("https://acme--dev.sandbox.my.salesforce.com", "test"), ("https://test.salesforce.com", "test"),
])
def test_the_jwt_flow_signs_an_assertion_for_three_minutes(host, audience):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    values = {"support_auth_flow": "jwt_bearer", "support_login_url": host, "support_client_id": "id",
              "support_username": "u@example.com", "support_private_key": pem}
    run = token("support", values, flows.answer(200, GRANTED))
    form = dict(parse_qsl(run.requests[0].body.decode()))
    claims = jwt.decode(form["assertion"], key.public_key(), algorithms=["RS256"],
                        audience=f"https://{audience}.salesforce.com", options={"verify_exp": False})
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert (claims["iss"], claims["sub"], claims["exp"]) == ("id", "u@example.com", int(flows.NOW) + 180)


def test_a_key_that_is_none_is_a_setting_to_mend():
    values = {"support_auth_flow": "jwt_bearer", "support_login_url": HOME, "support_client_id": "id",
              "support_username": "u", "support_private_key": "nonsense"}
    assert wrong(values) == {("support_private_key",)}
    assert "nonsense" not in told_of(values)


def told_of(values):
    with pytest.raises(ValidationError) as caught:
        settings(values)
    return str(caught.value)


@pytest.mark.parametrize(("realm", "home"), [("marketing", "rest"), ("marketing_soap", "soap")])
def test_marketing_cloud_gives_a_token_for_twenty_minutes_and_a_host_for_each_interface(realm, home):
    run = token(realm, MARKETING, flows.answer(200, MC_GRANTED))
    assert run.lines == ["POST https://t.auth.marketingcloudapis.com/v2/token"]
    assert flows.json(run.requests[0]) == {
        "grant_type": "client_credentials", "client_id": "id", "client_secret": "hush"}
    assert run.done == Token("T", flows.NOW + 1079 - 120, f"https://t2.{home}.marketingcloudapis.com/")


def test_a_business_unit_scopes_the_token():
    run = token("marketing", {**MARKETING, "mc_account_id": "1234567"}, flows.answer(200, MC_GRANTED))
    assert flows.json(run.requests[0])["account_id"] == "1234567"


@pytest.mark.parametrize(("realm", "reply"), [
    ("support", {**GRANTED, "instance_url": "https://evil.example"}),
    ("marketing", {**MC_GRANTED, "rest_instance_url": "https://evil.example"}),
    ("marketing_soap", {**MC_GRANTED, "soap_instance_url": "http://t.soap.marketingcloudapis.com"}),
])
def test_a_token_is_not_carried_to_a_foreign_host_that_the_answer_names(realm, reply):
    run = token(realm, BOTH, flows.answer(200, reply))
    assert (run.reason, run.code) == ("misconfigured", "foreign_host")


@pytest.mark.parametrize(("status", "json", "reason", "code"), [
    (400, {"error": "invalid_client", "error_description": "bad"}, "misconfigured", "invalid_client"),
    (400, {"error": "invalid_grant", "error_description": "expired"}, "misconfigured", "invalid_grant"),
    (400, {"error": "invalid_grant", "error_description": "token request is already being processed"},
     "unavailable", "invalid_grant"),
    (401, None, "misconfigured", "http_401"), (404, None, "misconfigured", "http_404"),
    (200, {}, "misconfigured", "no_access_token"), (429, None, "unavailable", "http_429"),
    (503, None, "unavailable", "http_503"),
])
@pytest.mark.parametrize("realm", ["support", "marketing"])
def test_a_refused_sign_in_is_a_setting_and_a_busy_one_is_tried_again(realm, status, json, reason, code):
    run = token(realm, BOTH, flows.answer(status, json))
    assert (run.reason, run.code) == (reason, code)


def test_support_is_called_where_the_token_says_with_the_token():
    signed = sign(get("/services/data/v66.0/query", query={"q": "SELECT Id"}, realm="support"),
                  held=Token("T", 0, "https://acme--x.my.salesforce.com/"))
    assert signed.url == "https://acme--x.my.salesforce.com/services/data/v66.0/query?q=SELECT%20Id"
    assert flows.header(signed, "Authorization") == "Bearer T"
    assert flows.header(signed, "Accept") == "application/json"


@pytest.mark.parametrize(("realm", "url"), [
    ("support", "https://acme.my.salesforce.com/x"), ("marketing", "https://t.rest.marketingcloudapis.com/x"),
])
def test_the_settings_host_stands_in_where_the_token_names_none(realm, url):
    assert sign(get("/x", realm=realm)).url == url


def test_dollar_signs_of_a_path_stay_as_they_are():
    assert sign(get("/d?$pageSize=1&$page=1", realm="marketing")).url.endswith("/d?$pageSize=1&$page=1")


def test_a_soap_message_carries_the_token_inside_its_header_and_nowhere_else():
    body = envelope(leaf("Key", "<s:Header/>"))
    request = post("/Service.asmx", body=body, content_type="text/xml; charset=utf-8", realm="marketing_soap")
    signed = sign(request, held=Token("T&<>", 0, "https://t2.soap.marketingcloudapis.com/"))
    assert signed.url == "https://t2.soap.marketingcloudapis.com/Service.asmx"
    header = b'<s:Header><fueloauth xmlns="http://exacttarget.com">T&amp;&lt;&gt;</fueloauth></s:Header>'
    assert signed.body == body.replace(b"<s:Header/>", header)
    assert flows.header(signed, "Authorization") is None
    assert flows.header(signed, "Content-Type") == "text/xml; charset=utf-8"


def test_a_request_of_a_realm_is_never_sent_without_its_token():
    with pytest.raises(Broken, match="no_token"):
        connector.signer(settings(BOTH))(get("/x", realm="support"), SignContext(0))
