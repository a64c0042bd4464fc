"""mParticle's own Python library sends what we send."""

from urllib.parse import urlsplit

import orjson
import pytest

from connectors.analytics.mparticle import connector
from testkit import flows
from testkit.flows import OUTCOME, answer

pytestmark = [pytest.mark.vendor, pytest.mark.filterwarnings("ignore")]  # it is of 2023
SETTINGS = {"server_key": "key", "server_secret": "s3cret"}
WHEN = 1_799_999_999_000
SINCE = {"customerid": "customer_id"}
"""What the library of 2023 calls otherwise than the vendor's schema of today, which refuses the old name."""


@pytest.fixture
def sdk():
    return pytest.importorskip("mparticle", reason="mparticle is not installed")


def theirs(sdk, keeper, batch):
    """The library's request for one batch, as it goes out."""
    configuration = sdk.Configuration()
    configuration.host, configuration.api_key, configuration.api_secret = f"{keeper.url}/v2", "key", "s3cret"
    sdk.EventsApi(configuration).bulk_upload_events([batch])
    (asked,) = keeper.kept
    return asked


def ours(id, **more):
    export, settings = connector.exports[id], connector.settings.model_validate(SETTINGS)
    item = export.item(flows.call(connector, id, settings=SETTINGS, **more))
    (request,) = flows.drive(export.send(settings, [item]), [answer(202)], connector.read).requests
    return flows.sign(connector, SETTINGS, request)


def filled(value):
    """Without the nothings that the library writes for what was not given."""
    if isinstance(value, list):
        return [filled(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {SINCE.get(name, name): filled(one) for name, one in value.items() if one not in (None, {})}


def compare(signed, asked):
    assert (signed.method, urlsplit(signed.url).path) == (asked.method, asked.path)
    assert flows.header(signed, "authorization") == asked.headers["authorization"]
    assert flows.header(signed, "content-type") == asked.headers["content-type"].partition(";")[0]
    assert orjson.loads(signed.body) == filled(orjson.loads(asked.body))


def batch(sdk, **members):
    made = sdk.Batch(environment="production", source_request_id=OUTCOME, **members)
    made.user_identities = sdk.UserIdentities(customerid="u-1", email="a@b.example")
    return made


def test_an_event_is_the_one_that_the_vendors_library_uploads(sdk, keeper):
    event = sdk.AppEvent("Recurly Engage Prompt Click", "other", source_message_id="evt-1", timestamp_unixtime_ms=WHEN,
                         custom_attributes={"app_name": "app", "prompt_id": "p-1", "prompt_name": "Stay with us"})
    made = batch(sdk)
    made.events = [event]
    made.application_info = sdk.ApplicationInformation(application_name="app")
    agreed = sdk.GDPRConsentState(consented=True, timestamp_unixtime_ms=WHEN)
    made.consent_state = sdk.ConsentState()
    made.consent_state.gdpr = {"ads": agreed}
    made.context = sdk.BatchContext(sdk.DataPlanContext("plan", 3))
    compare(ours("export_events", attributes={"email_address": "a@b.example", "ads_ok": True}, params={
        "gdpr_consents": {"ads": "ads_ok"}, "data_plan_id": "plan", "data_plan_version": 3,
    }), theirs(sdk, keeper, made))


def test_attributes_are_those_that_the_vendors_library_uploads(sdk, keeper):
    made = batch(sdk, user_attributes={"plan": "gold", "seats": 3, "plans": ["a"]}, deleted_user_attributes=["gone"])
    compare(ours("sync_user_traits", params={"traits": ["plan", "seats", "plans", "gone"]}, attributes={
        "email_address": "a@b.example", "plan": "gold", "seats": 3, "plans": ["a"]}), theirs(sdk, keeper, made))
