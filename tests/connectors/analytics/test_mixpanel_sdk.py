"""Mixpanel's own Python library sends what we send; it packs each record into a form, we send batches as JSON."""

import gzip
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from connectors.analytics.mixpanel import connector
from testkit import flows
from testkit.flows import OUTCOME, answer

pytestmark = [pytest.mark.vendor, pytest.mark.filterwarnings("ignore")]
SETTINGS = {"service_account_username": "robot.1", "service_account_password": "s3cret", "project_token": "tok",
            "project_id": "4711"}
OURS_ALONE = {"ip", "token", "mp_lib", "$lib_version"}
"""The library names itself and its token in each event; we name the user's address, or that there is none."""


@pytest.fixture
def sdk():
    return pytest.importorskip("mixpanel", reason="mixpanel is not installed")


@pytest.fixture
def client(sdk, keeper):
    keeper.replies.extend([{"status": 1, "error": None}] * 3)
    credentials = sdk.ServiceAccountCredentials("robot.1", "s3cret", "4711")
    consumer = sdk.Consumer(people_url=f"{keeper.url}/engage", import_url=f"{keeper.url}/import",
                            credentials=credentials)
    return sdk.Mixpanel("tok", consumer=consumer)


def ours(id, seen, attributes=None, **fields):
    export, settings = connector.exports[id], connector.settings.model_validate(SETTINGS)
    item = export.item(flows.call(connector, id, settings=SETTINGS, attributes=attributes, **fields))
    (request,) = flows.drive(export.send(settings, [item]), [seen], connector.read).requests
    return flows.sign(connector, SETTINGS, request)


def record(asked):
    return orjson.loads(parse_qs(asked.body.decode())["data"][0])


def test_an_event_is_the_one_that_the_vendors_library_imports(client, keeper):
    told = {"promo_id": "p-1", "promo_name": "Stay with us", "event_timestamp": "2027-01-15T07:59:59.000Z",
            "$insert_id": OUTCOME}
    client.import_data(None, "u-1", "Recurly Engage Prompt Click", 1_799_999_999.0, told)
    signed, (asked,) = ours("export_prompt_event", answer(200, {})), keeper.kept
    (mine,), theirs = orjson.loads(gzip.decompress(signed.body)), record(asked)
    assert mine["event"] == theirs["event"]
    assert mine["properties"].pop("time") == theirs["properties"].pop("time") * 1000, "seconds or milliseconds"
    mine, theirs = ({name: value for name, value in one["properties"].items() if name not in OURS_ALONE}
                    for one in (mine, theirs))
    assert mine == theirs
    one, other = urlsplit(signed.url), urlsplit(asked.path)
    assert (signed.method, one.path) == (asked.method, other.path)
    assert parse_qs(one.query) == {**parse_qs(other.query), "strict": ["1"]}
    assert flows.header(signed, "authorization") == asked.headers["authorization"]


@pytest.mark.parametrize(("once", "method"), [(False, "people_set"), (True, "people_set_once")])
def test_a_profile_is_the_one_that_the_vendors_library_sends(client, keeper, once, method):
    getattr(client, method)("u-1", {"$email": "a@b.example", "plan": "gold"}, meta={"$ip": "0"})
    params = {"traits": ["email_address", "plan"], "set_once": once}
    signed = ours("sync_user_traits", answer(200, {"status": 1, "error": None}),
                  {"email_address": "a@b.example", "plan": "gold"}, params=params)
    (asked,) = keeper.kept
    (mine,), theirs = orjson.loads(signed.body), record(asked)
    assert mine == {name: value for name, value in theirs.items() if name not in ("$time", "$ip")}
    assert (signed.method, urlsplit(signed.url).path) == (asked.method, "/engage")
    assert flows.header(signed, "authorization") is None is asked.headers.get("authorization")
    assert parse_qs(asked.body.decode())["ip"] == ["0"] == parse_qs(urlsplit(signed.url).query)["ip"]
