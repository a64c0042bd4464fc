"""Mixpanel's published specification knows every request of ours."""

import gzip

import orjson
import pytest

from connectors.analytics.mixpanel import connector
from testkit import flows, specs
from testkit.flows import answer

SETTINGS = {"service_account_username": "robot.1", "service_account_password": "s3cret", "project_token": "tok",
            "project_id": "4711"}
ATTRIBUTES = {"mixpanel_distinct_id": "mp-9", "plan": "gold", "seats": 3, "email_address": "a@b.example",
              "plans": ["a"]}


@pytest.fixture(scope="module")
def spec():
    return specs.load("mixpanel") or pytest.skip("Mixpanel's specification is not here; TESTKIT_VENDOR_SPECS names it")


def sent(id, seen, **fields):
    """The requests of a batch of two, with their bodies unpacked."""
    export = connector.exports[id]
    items = [export.item(flows.call(connector, id, settings=SETTINGS, attributes=ATTRIBUTES, **fields))] * 2
    settings = connector.settings.model_validate(SETTINGS)
    for one in flows.drive(export.send(settings, items), [seen], connector.read).requests:
        packed = one.headers.get("Content-Encoding") == "gzip"
        yield one._replace(body=gzip.decompress(one.body) if packed else one.body)


def test_imports_are_as_the_vendors_specification_says(spec):
    seen = answer(200, {"code": 200, "num_records_imported": 2, "status": "OK"})
    for request in sent("export_prompt_event", seen, variant_id="v", ip_address="203.0.113.7"):
        assert spec.problems(request, free=["properties"]) == []
        assert {"time", "$insert_id", "distinct_id"} <= set(orjson.loads(request.body)[0]["properties"])
        assert request.headers["Content-Encoding"] == "gzip"


def test_profiles_are_as_the_vendors_specification_says(spec):
    seen = answer(200, {"error": "", "status": 1})
    for request in sent("sync_user_traits", seen, params={"traits": ["plan", "seats", "plans", "gone"]}):
        assert {name for one in orjson.loads(request.body) for name in one} <= {
            "$token", "$distinct_id", "$set", "$unset", "$ip", "$ignore_time"}
        for kind, name in (("$set", "profile-set"), ("$unset", "profile-unset")):
            part = [one for one in orjson.loads(request.body) if kind in one]
            told = request._replace(path=f"{request.path}#{name}", body=orjson.dumps(part))
            assert not part or spec.problems(told, free=["$set"]) == []
