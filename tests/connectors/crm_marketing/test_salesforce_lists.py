"""Subscriber lists over SOAP, and the pick lists of Marketing Cloud."""

from xml.etree import ElementTree as ET

import pytest

from connectors.crm_marketing.salesforce_marketing_cloud import connector
from connectors.kit import Done, Option, Response
from testkit import flows, specs

SUPPORT = {"support_login_url": "https://acme.my.salesforce.com", "support_client_id": "id",
           "support_client_secret": "hush"}
SETTINGS = {"mc_client_id": "id", "mc_client_secret": "hush",
            "mc_base_url": "https://t.rest.marketingcloudapis.com/",
            "mc_auth_base_url": "https://t.auth.marketingcloudapis.com/",
            "mc_soap_base_url": "https://t.soap.marketingcloudapis.com/"}
EMAIL = {"email_address": "ann@example.com"}
PAGE = "GET /messaging/v1/email/definitions?$pageSize={}&$page={}"
NAMES = {"p": "http://exacttarget.com/wsdl/partnerAPI", "s": "http://schemas.xmlsoap.org/soap/envelope/",
         "x": "http://www.w3.org/2001/XMLSchema"}
XSI = "{http://www.w3.org/2001/XMLSchema-instance}type"


def perform(action, *answers, params=None, attributes=None, settings=SETTINGS, **more):
    call = flows.call(connector, action, settings=settings, params=params, attributes=attributes, **more)
    return flows.run(connector, action, call, answers)


def flow_of(flow, *answers, settings=SETTINGS):
    return flows.drive(flow(connector.settings.model_validate(settings)), answers, connector.read)


def soap(kind, **results):
    fields = "".join(f"<{name}>{text}</{name}>" for name, text in results.items())
    body = f'<{kind} xmlns="{NAMES["p"]}"><Results>{fields}</Results><RequestID>r-1</RequestID></{kind}>'
    return envelope(200, body)


def envelope(status, body):
    return Response(status, {}, f'<s:Envelope xmlns:s="{NAMES["s"]}"><s:Body>{body}</s:Body></s:Envelope>'.encode())


def fault(text):
    return envelope(500, f"<s:Fault><faultcode>s:Client</faultcode><faultstring>{text}</faultstring></s:Fault>")


OK = soap("CreateResponse", StatusCode="OK", StatusMessage="Created Subscriber.", NewID="77")


def subscribe(*answers, attributes=None, action="add_subscriber_to_list", **more):
    return perform(action, *answers, params={"list_id": 123, **more.pop("params", {})},
                   attributes=EMAIL if attributes is None else attributes, **more)


def sent(request):
    return ET.fromstring(request.body)  # noqa: S314 - our own message


def test_a_subscriber_is_created_or_updated_with_the_list():
    run = subscribe(OK, attributes={**EMAIL, "subscriber_key": "sub-1"})
    assert run.lines == ["POST /Service.asmx"]
    request = run.requests[0]
    assert (request.realm, request.effect) == ("marketing_soap", True)
    assert request.headers == {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": "Create"}
    create = sent(request).find("s:Body/p:CreateRequest", NAMES)
    assert [one.tag.partition("}")[2] for one in create] == ["Options", "Objects"]
    option = create.find("p:Options/p:SaveOptions/p:SaveOption", NAMES)
    assert [(one.tag.partition("}")[2], one.text) for one in option] == [
        ("PropertyName", "*"), ("SaveAction", "UpdateAdd")]
    subscriber = create.find("p:Objects", NAMES)
    assert subscriber.get(XSI) == "Subscriber"
    assert [one.tag.partition("}")[2] for one in subscriber] == ["EmailAddress", "SubscriberKey", "Lists"]
    assert [one.text for one in subscriber][:2] == ["ann@example.com", "sub-1"]
    assert [(one.tag.partition("}")[2], one.text) for one in subscriber[2]] == [("ID", "123"), ("Status", "Active")]
    assert run.done == Done(reference="77")


def test_the_address_is_the_key_where_none_is_synced_and_a_key_alone_is_enough():
    by_address = sent(subscribe(OK).requests[0]).find(".//p:Objects", NAMES)
    assert [one.text for one in by_address][:2] == ["ann@example.com", "ann@example.com"]
    by_key = sent(subscribe(OK, attributes={"subscriber_key": "sub-1"}).requests[0]).find(".//p:Objects", NAMES)
    assert [one.tag.partition("}")[2] for one in by_key] == ["SubscriberKey", "Lists"]


def test_nobody_is_subscribed_again_where_the_binding_says_so():
    request = subscribe(OK, params={"resubscribe": False}).requests[0]
    assert sent(request).find(".//p:Lists/p:Status", NAMES) is None


def test_a_subscriber_without_address_and_key_is_named():
    assert subscribe(attributes={}).failure.names == ("email_address", "subscriber_key")


def test_values_are_escaped_in_the_envelope():
    request = subscribe(OK, attributes={"subscriber_key": "</SubscriberKey>&<s:Header/>"}).requests[0]
    assert sent(request).find(".//p:SubscriberKey", NAMES).text == "</SubscriberKey>&<s:Header/>"


def test_a_known_subscriber_is_updated_and_that_answer_counts():
    known = soap("CreateResponse", StatusCode="Error", ErrorCode="12014", StatusMessage="exists")
    run = subscribe(known, soap("UpdateResponse", StatusCode="OK", Object="<ID>88</ID>"))
    assert run.requests[1].headers["SOAPAction"] == "Update"
    update = sent(run.requests[1]).find("s:Body/p:UpdateRequest", NAMES)
    assert [one.tag.partition("}")[2] for one in update] == ["Options", "Objects"]
    created = sent(run.requests[0]).find(".//p:Objects", NAMES)
    assert ET.tostring(update[1]) == ET.tostring(created)
    assert run.done == Done(reference="88")


@pytest.mark.parametrize("first", [[], [soap("CreateResponse", StatusCode="Error", ErrorCode="12014")]])
def test_a_member_of_the_list_is_a_success(first):
    run = subscribe(*first, soap("Response", StatusCode="Error", ErrorCode="13006", StatusMessage="on list"))
    assert run.done.note == "already_done"


def test_a_known_subscriber_who_cannot_be_updated_is_refused():
    known = soap("CreateResponse", StatusCode="Error", ErrorCode="12014")
    assert subscribe(known, known).code == "12014"


@pytest.mark.parametrize(("code", "words"), [
    ("13000", "no such list"), ("13004", "no such list"), ("12002", "refused"), ("12345", "why"), ("", "why"),
])
def test_an_error_inside_a_200_is_a_refusal(code, words):
    run = subscribe(soap("CreateResponse", StatusCode="Error", ErrorCode=code, StatusMessage="why"))
    assert (run.reason, run.code, run.failure.request_id) == ("rejected", code or "soap_error", "r-1")
    assert words in run.failure.message


def test_a_200_without_results_is_no_success():
    body = f'<CreateResponse xmlns="{NAMES["p"]}"><OverallStatus>Error</OverallStatus></CreateResponse>'
    run = subscribe(envelope(200, body))
    assert (run.reason, run.code) == ("rejected", "soap_error")


@pytest.mark.parametrize("text", ["Token Expired", "Login Failed"])
def test_a_worn_out_token_reads_like_a_401_so_that_it_is_renewed(text):
    failure = subscribe(fault(text)).failure
    assert (failure.reason, failure.status) == ("misconfigured", 401)


def test_any_other_fault_is_tried_again():
    run = subscribe(fault("Too many requests"))
    assert (run.reason, run.failure.message) == ("unavailable", "Too many requests")


@pytest.mark.parametrize(("reply", "reason"), [
    (Response(200, {}, b"<html"), "unavailable"), (Response(503, {}, b"down"), "unavailable"),
    (Response(404, {}, b"<html/>"), "rejected"), (Response(401, {}, b""), "misconfigured"),
    (Response(200, {}, b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), "unavailable"),
])
def test_answers_that_are_no_soap_are_read_by_their_status(reply, reason):
    assert subscribe(reply).reason == reason


def test_the_typed_address_becomes_a_subscriber():
    run = subscribe(OK, action="add_input_to_list", attributes={}, form={"email": "x@example.com"})
    assert [one.text for one in sent(run.requests[0]).find(".//p:Objects", NAMES)][:2] == ["x@example.com"] * 2
    assert run.done == Done(reference="77")


def test_the_typed_address_goes_with_the_synced_key():
    run = subscribe(OK, action="add_input_to_list", attributes={"subscriber_key": "sub-1", **EMAIL},
                    form={"email": "x@example.com"})
    assert [one.text for one in sent(run.requests[0]).find(".//p:Objects", NAMES)][:2] == ["x@example.com", "sub-1"]


def test_a_missing_or_wrong_typed_address_is_no_subscriber():
    assert subscribe(action="add_input_to_list").failure.names == ("form.email",)
    assert subscribe(action="add_input_to_list", form={"email": "x@"}).code == "invalid_address"


def retrieved(*found, status="OK"):
    rows = "".join("<Results>" + "".join(f"<{k}>{v}</{k}>" for k, v in one.items()) + "</Results>" for one in found)
    body = f"<OverallStatus>{status}</OverallStatus><RequestID>r-9</RequestID>{rows}"
    return envelope(200, f'<RetrieveResponseMsg xmlns="{NAMES["p"]}">{body}</RetrieveResponseMsg>')


def test_lists_are_retrieved_page_by_page():
    run = flow_of(connector.options["lists"], retrieved({"ID": "1", "ListName": "A"}, status="MoreDataAvailable"),
                  retrieved({"ID": "2", "ListName": "B &amp; C"}))
    assert run.done == [Option("1", "A"), Option("2", "B & C")]
    asked = [sent(one).find(".//p:RetrieveRequest", NAMES) for one in run.requests]
    assert [one.text for one in asked[0]] == ["List", "ID", "ListName", "Type"]
    assert asked[1].find("p:ContinueRequest", NAMES).text == "r-9"
    assert [(one.headers["SOAPAction"], one.effect) for one in run.requests] == [("Retrieve", False)] * 2


def test_a_refused_retrieve_says_why():
    run = flow_of(connector.options["lists"], retrieved(status="Error: The request is not permitted"))
    assert (run.reason, run.failure.message) == ("rejected", "Error: The request is not permitted")


def test_active_definitions_of_both_kinds_are_listed():
    one_page = {"definitions": [{"definitionKey": "d1", "name": "Offer", "status": "Active"},
                                {"definitionKey": "d2", "name": "Old", "status": "Inactive"}]}
    older = retrieved({"CustomerKey": "t1", "Name": "Welcome", "TriggeredSendStatus": "Active"},
                      {"CustomerKey": "t2", "Name": "New", "TriggeredSendStatus": "New"})
    run = flow_of(connector.options["definitions"], flows.answer(200, one_page), older)
    assert run.done == [Option("d1", "Offer (transactional)"), Option("t1", "Welcome (triggered send)")]


def test_full_pages_of_definitions_are_followed_by_the_next():
    full = {"definitions": [{"definitionKey": "d", "name": "n", "status": "Active"}] * 50}
    run = flow_of(connector.options["definitions"], flows.answer(200, full), flows.answer(200, {}), retrieved())
    assert run.lines[:2] == [PAGE.format(50, 1), PAGE.format(50, 2)]
    assert len(run.done) == 50


@pytest.mark.parametrize("name", ["definitions", "lists"])
def test_without_marketing_cloud_its_pick_lists_are_empty(name):
    run = flow_of(connector.options[name], settings=SUPPORT)
    assert (run.done, run.requests) == ([], ())


def wsdl_order(wsdl, name):
    """Names of a type's elements in the WSDL's order, those of its bases first."""
    kind = wsdl.find(f".//x:complexType[@name='{name}']", NAMES)
    if kind is None:
        kind = wsdl.find(f".//x:element[@name='{name}']/x:complexType", NAMES)
    base = kind.find("x:complexContent/x:extension", NAMES)
    own = [one.get("name") for one in (kind if base is None else base).findall("x:sequence/x:element", NAMES)]
    return own if base is None else wsdl_order(wsdl, base.get("base").partition(":")[2]) + own


@pytest.mark.parametrize(("path", "kind"), [
    ("p:CreateRequest", "CreateRequest"), ("p:CreateRequest/p:Options", "CreateOptions"),
    (".//p:SaveOption", "SaveOption"), (".//p:Objects", "Subscriber"), (".//p:Lists", "SubscriberList"),
    (".//p:RetrieveRequest", "RetrieveRequest"),
])
def test_every_element_stands_where_the_vendors_wsdl_has_it(path, kind):
    place = specs.folder()
    file = place / "salesforce_marketing_cloud" / "etframework.wsdl" if place else None
    if file is None or not file.is_file():
        pytest.skip("Marketing Cloud's WSDL is not here; TESTKIT_VENDOR_SPECS names its folder")
    more = retrieved(status="MoreDataAvailable")
    listing = flow_of(connector.options["lists"], more, retrieved()).requests[1]
    message = sent(listing if kind == "RetrieveRequest" else subscribe(OK).requests[0])
    written = [one.tag.partition("}")[2] for one in message.find("s:Body", NAMES).find(path, NAMES)]
    order = iter(wsdl_order(ET.parse(file), kind))  # noqa: S314 - a file that a person put there
    assert written
    assert all(name in order for name in dict.fromkeys(written))
