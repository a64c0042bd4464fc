"""The emulated Salesforce behaves as its card says: two token routes, cases, sends with errors inside, SOAP."""

# ruff: noqa: S608, S314 - SOQL of our own, XML of our own server

from __future__ import annotations

import time
from base64 import b64encode
from urllib.parse import quote_plus
from xml.etree import ElementTree as ET

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from testkit.vendors import credentials

DATA = "/services/data/v66.0"
NAME = "salesforce_marketing_cloud"
API = "{http://exacttarget.com/wsdl/partnerAPI}"


@pytest.fixture
def bare(caller):
    return caller(NAME)


@pytest.fixture
def org(bare, caller):
    token = bare("POST", "/services/oauth2/token", form=client()).json["access_token"]
    return caller(NAME, Authorization=f"Bearer {token}")


@pytest.fixture
def tenant(bare, caller):
    token = bare("POST", "/v2/token", data=package()).json["access_token"]
    return caller(NAME, Authorization=f"Bearer {token}")


def client(**more):
    return {"grant_type": "client_credentials", "client_id": credentials.SALESFORCE_CLIENT_ID,
            "client_secret": credentials.SALESFORCE_CLIENT_SECRET, **more}


def package(**more):
    return {"grant_type": "client_credentials", "client_id": credentials.MC_CLIENT_ID,
            "client_secret": credentials.MC_CLIENT_SECRET, **more}


def query(org, soql: str) -> list[str]:
    got = org("GET", f"{DATA}/query?q={quote_plus(soql)}")
    assert got.status == 200, got.body
    return [one["Id"] for one in got.json["records"]]


# --- tokens


def test_the_org_s_token_names_no_lifetime(bare, server):
    got = bare("POST", "/services/oauth2/token", form=client()).json
    assert got["instance_url"] == server.url(NAME)
    assert "expires_in" not in got
    basic = b64encode(f"{credentials.SALESFORCE_CLIENT_ID}:{credentials.SALESFORCE_CLIENT_SECRET}".encode()).decode()
    got = bare("POST", "/services/oauth2/token", form={"grant_type": "client_credentials"},
               Authorization=f"Basic {basic}")
    assert got.status == 200


@pytest.mark.parametrize(("form", "error"), [
    (client(client_id="x"), "invalid_client_id"), (client(client_secret="x"), "invalid_client"),
    (client(grant_type="x"), "unsupported_grant_type"), (client(grant_type="password"), "invalid_grant"),
])
def test_a_token_is_refused_with_oauth_s_words(bare, form, error):
    got = bare("POST", "/services/oauth2/token", form=form)
    assert (got.status, got.json["error"]) == (400, error)


def test_the_older_password_flow_is_served(bare):
    form = client(grant_type="password", username=credentials.SALESFORCE_USERNAME,
                  password=credentials.SALESFORCE_PASSWORD + credentials.SALESFORCE_SECURITY_TOKEN)
    assert bare("POST", "/services/oauth2/token", form=form).status == 200


def test_an_assertion_is_verified_by_the_key_that_was_seeded(bare, control):
    good, other = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    pem = good.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    control.seed(NAME, "public_key", pem=pem)
    claims = {"iss": credentials.SALESFORCE_CLIENT_ID, "sub": credentials.SALESFORCE_USERNAME,
              "aud": "https://login.salesforce.com", "exp": int(time.time()) + 180}

    def asked(key, **more):
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
                "assertion": jwt.encode({**claims, **more}, key, algorithm="RS256")}
        return bare("POST", "/services/oauth2/token", form=form).status

    assert (asked(good), asked(other), asked(good, exp=1), asked(good, sub="x")) == (200, 400, 400, 400)


def test_the_tenant_s_token_names_its_hosts_and_lifetime(bare, server):
    got = bare("POST", "/v2/token", data=package(account_id=credentials.MC_ACCOUNT_ID)).json
    assert got["rest_instance_url"] == got["soap_instance_url"] == server.url(NAME) + "/"
    assert got["expires_in"] == 1079
    assert bare("POST", "/v2/token", form=package()).status == 200
    assert bare("POST", "/v2/token", data=package(client_secret="x")).json["error"] == "invalid_client"
    assert bare("POST", "/v2/token", data=package(account_id="9")).status == 400


def test_expired_tokens_are_refused_in_each_api_s_words_and_can_be_renewed(bare, org, tenant, control):
    assert control.command(NAME, "expire_tokens") == 2
    refused = org("GET", f"{DATA}/limits")
    assert (refused.status, refused.json[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    refused = tenant("GET", "/messaging/v1/email/definitions")
    assert (refused.status, refused.json["errorcode"]) == (401, 0)
    token = bare("POST", "/v2/token", data=package()).json["access_token"]
    assert tenant("GET", "/messaging/v1/email/definitions", Authorization=f"Bearer {token}").status == 200


def test_a_tenant_s_token_ends_after_twenty_minutes(tenant, control):
    control.advance(1201)
    assert tenant("GET", "/messaging/v1/email/definitions").status == 401


def test_a_token_of_one_system_opens_nothing_in_the_other(org, tenant):
    assert org("GET", "/messaging/v1/email/definitions").status == 401
    assert tenant("GET", f"{DATA}/limits").status == 401


# --- the org


def test_a_contact_has_an_open_and_a_closed_case(org):
    (contact,) = query(org, "SELECT Id FROM Contact WHERE Email = 'Ann@example.com' LIMIT 200")
    cases = f"SELECT Id FROM Case WHERE ContactId IN ('{contact}') OR SuppliedEmail = 'ann@example.com'"
    assert len(query(org, f"{cases} ORDER BY CreatedDate DESC")) == 2
    only_open = f"SELECT Id FROM Case WHERE ContactId IN ('{contact}') AND IsClosed = false ORDER BY CreatedDate DESC"
    assert len(query(org, only_open)) == 1
    assert query(org, "SELECT Id FROM Contact WHERE Email = 'missing@example.com'") == []


def test_quotes_in_a_query_are_escaped(org, control):
    control.seed(NAME, "contact", email="o'neil@example.org")
    assert len(query(org, r"SELECT Id FROM Contact WHERE Email = 'o\'neil@example.org'")) == 1
    got = org("GET", f"{DATA}/query?q={quote_plus('SELECT')}")
    assert got.json[0]["errorCode"] == "MALFORMED_QUERY"


def test_a_long_answer_is_read_on_by_its_url(org, control):
    control.seed(NAME, "contact", email="many@example.org", id="003000000000000AAA")
    for number in range(250):
        org("POST", f"{DATA}/sobjects/Case", data={"Subject": str(number), "ContactId": "003000000000000AAA"})
    soql = "SELECT Id FROM Case WHERE ContactId IN ('003000000000000AAA')"
    first = org("GET", f"{DATA}/query?q={quote_plus(soql)}").json
    assert (first["totalSize"], first["done"], len(first["records"])) == (250, False, 200)
    rest = org("GET", first["nextRecordsUrl"]).json
    assert (rest["done"], len(rest["records"])) == (True, 50)


def test_a_case_is_created_twice_without_and_once_with_an_external_id(org, control):
    for _ in range(2):
        made = org("POST", f"{DATA}/sobjects/Case", data={"Subject": "x", "SuppliedEmail": "ann@example.com"})
        assert (made.status, made.json["success"], made.json["id"][:3]) == (201, True, "500")
    path = f"{DATA}/sobjects/Case/Engage_Execution_Id__c/exec-1"
    answers = [org("PATCH", path, data={"Subject": "y"}) for _ in range(2)]
    assert [(one.status, one.json["created"]) for one in answers] == [(201, True), (200, False)]
    assert control.counts(NAME) == {"case.created": 3, "(replayed)": 1}


def test_an_unknown_field_is_refused_in_a_list(org):
    got = org("POST", f"{DATA}/sobjects/Case", data={"Colour": "red"})
    assert (got.status, got.json[0]["errorCode"], got.json[0]["fields"]) == (400, "INVALID_FIELD", ["Colour"])


def test_posts_are_made_many_at_once_each_with_its_result(org, control):
    (contact,) = query(org, "SELECT Id FROM Contact WHERE Email = 'ann@example.com'")
    cases = query(org, f"SELECT Id FROM Case WHERE ContactId IN ('{contact}')")
    records = [{"attributes": {"type": "FeedItem"}, "ParentId": case, "Type": "TextPost", "Body": "accepted"}
               for case in (*cases, "500nothing")]
    got = org("POST", f"{DATA}/composite/sobjects", data={"allOrNone": False, "records": records})
    assert [one["success"] for one in got.json] == [True, True, False]
    assert got.json[2]["errors"][0]["statusCode"] == "INVALID_CROSS_REFERENCE_KEY"
    assert {one.user for one in control.ledger(NAME, "feed_item.created")} == {"ann"}


# --- the tenant, REST


def send(tenant, key: str, **recipient):
    to = {"contactKey": "ann", "to": "ann@example.com", **recipient}
    return tenant("POST", f"/messaging/v1/email/messages/{key}", data={"definitionKey": "offer-accepted",
                                                                       "recipient": to})


def test_a_message_key_is_taken_once(tenant, control):
    first = send(tenant, "m1")
    assert (first.status, first.json["errorcode"], first.json["responses"]) == (202, 0, [{"messageKey": "m1"}])
    assert send(tenant, "m1").json["errorcode"] == 109110
    assert control.counts(NAME) == {"message.sent": 1, "(replayed)": 1}
    sent = tenant("GET", "/messaging/v1/email/messages/m1").json
    assert sent["eventCategoryType"] == "TransactionalSendEvents.EmailSent"


def test_a_refused_recipient_stands_inside_a_202(tenant, control):
    got = send(tenant, "m1", to="nobody")
    assert (got.status, got.json["errorcode"], got.json["responses"][0]["errorcode"]) == (202, 109001, 109121)
    assert control.ledger(NAME) == []


def test_an_unknown_definition_and_mixed_forms_are_refused(tenant):
    body = {"definitionKey": "missing", "recipient": {"contactKey": "a", "to": "a@b.org"}}
    assert tenant("POST", "/messaging/v1/email/messages/m", data=body).json["errorcode"] == 109111
    body = {"definitionKey": "offer-accepted", "recipients": []}
    assert "UnknownFieldName" in tenant("POST", "/messaging/v1/email/messages/m", data=body).json["message"]


def test_the_older_send_repeats_and_hides_its_errors_in_a_202(tenant, control):
    path = "/messaging/v1/messageDefinitionSends/key:welcome/send"
    body = {"To": {"Address": "ann@example.com", "SubscriberKey": "ann"}}
    for _ in range(2):
        got = tenant("POST", path, data=body)
        assert (got.status, got.json["responses"][0]["hasErrors"]) == (202, False)
    assert control.counts(NAME) == {"triggered_send.sent": 2}
    got = tenant("POST", path, data={"To": {"Address": "ann@example.com"}})
    assert (got.status, got.json["responses"][0]["messageErrors"][0]["messageErrorCode"]) == (202, 180008)


def test_definitions_can_be_picked(tenant):
    got = tenant("GET", "/messaging/v1/email/definitions?$pageSize=1&$page=2").json
    assert (got["count"], [one["definitionKey"] for one in got["definitions"]]) == (2, ["we-miss-you"])


def test_a_throttled_tenant_says_how_long(tenant, control):
    control.fault(vendor=NAME, status=429, retry_after=5)
    got = tenant("GET", "/messaging/v1/email/definitions")
    assert (got.json["errorcode"], got.headers["retry-after"]) == (50100, "5")


# --- the tenant, SOAP


def soap(bare, token: str, body: str, action: str):
    envelope = ('<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
                'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><s:Header>'
                f'<fueloauth xmlns="http://exacttarget.com">{token}</fueloauth></s:Header><s:Body>{body}</s:Body>'
                "</s:Envelope>")
    return bare("POST", "/Service.asmx", body=envelope.encode(), Content_Type="text/xml; charset=utf-8",
                SOAPAction=f'"{action}"')


def subscriber(operation: str = "Create", save: str = "UpdateAdd", list_id: str = "123") -> str:
    options = ("<SaveOptions><SaveOption><PropertyName>*</PropertyName>"
               f"<SaveAction>{save}</SaveAction></SaveOption></SaveOptions>")
    return (f'<{operation}Request xmlns="{API[1:-1]}"><Options>{options if save else ""}</Options>'
            '<Objects xsi:type="Subscriber"><EmailAddress>ann@example.com</EmailAddress><SubscriberKey>ann'
            f"</SubscriberKey><Lists><ID>{list_id}</ID><Status>Active</Status></Lists></Objects></{operation}Request>")


def result(got) -> dict[str, str]:
    assert got.status == 200, got.body
    found = ET.fromstring(got.body).find(f".//{API}Results")
    return {one.tag.removeprefix(API): one.text or "" for one in found}


@pytest.fixture
def token(bare):
    return bare("POST", "/v2/token", data=package()).json["access_token"]


def test_a_subscriber_is_put_on_a_list_once(bare, token, control):
    for _ in range(2):
        got = result(soap(bare, token, subscriber(), "Create"))
        assert (got["StatusCode"], int(got["NewID"]) > 0) == ("OK", True)
    (effect,) = control.ledger(NAME)
    assert (effect.kind, effect.user, effect.detail["list"]) == ("subscriber.added_to_list", "ann", "123")


def test_errors_stand_in_the_result_of_a_200(bare, token, control):
    assert result(soap(bare, token, subscriber(list_id="404"), "Create"))["ErrorCode"] == "13000"
    assert result(soap(bare, token, subscriber("Update", save=""), "Update"))["StatusCode"] == "Error"
    soap(bare, token, subscriber(), "Create")
    assert result(soap(bare, token, subscriber(save=""), "Create"))["ErrorCode"] == "12014"
    assert result(soap(bare, token, subscriber("Update", save="", list_id="124"), "Update"))["StatusCode"] == "OK"


def test_faults_come_with_500(bare, token, control):
    assert b"Login Failed" in soap(bare, "nonsense", subscriber(), "Create").body
    assert b"do not fit" in soap(bare, token, subscriber(), "Update").body
    control.command(NAME, "expire_tokens")
    got = soap(bare, token, subscriber(), "Create")
    assert got.status == 500
    assert b"Token Expired" in got.body


def test_lists_can_be_retrieved(bare, token):
    body = (f'<RetrieveRequestMsg xmlns="{API[1:-1]}"><RetrieveRequest><ObjectType>List</ObjectType>'
            "<Properties>ID</Properties></RetrieveRequest></RetrieveRequestMsg>")
    found = ET.fromstring(soap(bare, token, body, "Retrieve").body)
    assert [one.text for one in found.iter(f"{API}ID")] == ["123", "124"]


def test_a_soap_failure_can_be_scripted(bare, token, control):
    control.fault("inner_error", vendor=NAME, path="Service.asmx")
    assert result(soap(bare, token, subscriber(), "Create"))["ErrorCode"] == "12002"
