"""Marketing Cloud's own Python library (FuelSDK) signs in and writes SOAP as we do."""

import re
from contextlib import suppress
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import orjson
import pytest

from connectors.crm_marketing.salesforce_marketing_cloud import connector
from connectors.kit import Response, Token
from testkit import flows, specs
from testkit.flows import NOW, answer

pytestmark = [pytest.mark.vendor, pytest.mark.filterwarnings("ignore")]
SETTINGS = {"mc_client_id": "id", "mc_client_secret": "hush", "mc_base_url": "https://t.rest.marketingcloudapis.com/",
            "mc_auth_base_url": "https://t.auth.marketingcloudapis.com/",
            "mc_soap_base_url": "https://t.soap.marketingcloudapis.com/", "mc_account_id": "42"}
ENVELOPE = "{http://schemas.xmlsoap.org/soap/envelope/}"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


@pytest.fixture
def wsdl(tmp_path):
    """A copy of the vendor's file that leads to no other file: that one lies at the vendor."""
    place = specs.folder()
    file = place / "salesforce_marketing_cloud" / "etframework.wsdl" if place else None
    if file is None or not file.is_file():
        pytest.skip("Marketing Cloud's WSDL is not here; TESTKIT_VENDOR_SPECS names its folder")
    copy = tmp_path / "etframework.wsdl"
    copy.write_text(re.sub(r' schemaLocation="[^"]*"', "", file.read_text()))
    return copy


@pytest.fixture
def sdk(wsdl, keeper, monkeypatch):
    made = pytest.importorskip("FuelSDK", reason="salesforce-fuelsdk-sans is not installed")
    monkeypatch.chdir("/")  # it puts file:/// in front of the path
    keeper.replies.append({"access_token": "T", "expires_in": 1080, "soap_instance_url": f"{keeper.url}/",
                           "rest_instance_url": f"{keeper.url}/"})
    made.client_of_test = made.ET_Client(params={
        "clientid": "id", "clientsecret": "hush", "authenticationurl": keeper.url, "useOAuth2Authentication": "True",
        "accountId": "42", "wsdl_file_local_loc": str(wsdl).lstrip("/"), "soapendpoint": f"{keeper.url}/Service.asmx"})
    return made


def sent(sdk, keeper, kind, props, do="post"):
    """The library's message; the answer is no SOAP, which it may mind."""
    one = getattr(sdk, kind)()
    one.auth_stub, one.props = sdk.client_of_test, props
    with suppress(Exception):
        getattr(one, do)()
    return keeper.kept[-1]


def ours(id="add_subscriber_to_list", **more):
    made = flows.call(connector, id, settings=SETTINGS, **more)
    done = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>'
    return signed(flows.run(connector, id, made, [Response(200, {}, done)]).requests[0])


def signed(request):
    return flows.sign(connector, SETTINGS, request, token=Token("T", NOW + 60))


def tree(element):
    """Names and texts, without what is empty: the library writes each member that an object could have."""
    inner = [tree(one) for one in element]
    kept = [one for one in inner if one]
    text = (element.text or "").strip()
    if not kept and not text:
        return None
    kind = (element.get(TYPE) or "").rpartition(":")[2]
    return (element.tag, kind, text, kept)


def compare(mine, asked):
    left, right = (ET.fromstring(one) for one in (mine.body, asked.body))  # noqa: S314 - made by this test
    for part in ("Header", "Body"):
        assert tree(left.find(ENVELOPE + part)) == tree(right.find(ENVELOPE + part)), part
    assert urlsplit(mine.url).path.lower() == urlsplit(asked.path).path.lower() == "/service.asmx"
    assert flows.header(mine, "SOAPAction") == asked.headers["soapaction"].strip('"')
    assert flows.header(mine, "content-type") == asked.headers["content-type"]


def test_the_sign_in_is_what_the_vendors_library_sends(sdk, keeper):
    flow = connector.tokens["marketing"](connector.settings.model_validate(SETTINGS), NOW)
    got = answer(json={"access_token": "T", "expires_in": 1080, "rest_instance_url": "https://t.rest.example/"})
    (request,) = flows.drive(flow, [got]).requests
    (asked,) = keeper.kept
    assert (request.method, urlsplit(request.path).path) == (asked.method, asked.path)
    assert orjson.loads(request.body) == {**orjson.loads(asked.body), "account_id": "42"}


def test_a_subscriber_is_written_as_the_vendors_library_does(sdk, keeper):
    asked = sent(sdk, keeper, "ET_Subscriber", {
        "EmailAddress": "ann@example.com", "SubscriberKey": "sub-1", "Lists": [{"ID": 123, "Status": "Active"}]})
    mine = ours(params={"list_id": 123}, attributes={"email_address": "ann@example.com", "subscriber_key": "sub-1"})
    left, right = (ET.fromstring(one) for one in (mine.body, asked.body))  # noqa: S314 - made by this test
    options = left.find(f"{ENVELOPE}Body")[0][0]
    assert options.tag.endswith("Options"), "ours says what to do with one who is there; the library has no word for it"
    left.find(f"{ENVELOPE}Body")[0].remove(options)
    compare(mine._replace(body=ET.tostring(left)), asked._replace(body=ET.tostring(right)))


def test_lists_are_asked_for_as_the_vendors_library_does(sdk, keeper):
    one = sdk.ET_List()
    one.auth_stub, one.props = sdk.client_of_test, ["ID", "ListName", "Type"]
    with suppress(Exception):
        one.get()
    settings = connector.settings.model_validate(SETTINGS)
    compare(signed(next(connector.options["lists"](settings))), keeper.kept[-1])
