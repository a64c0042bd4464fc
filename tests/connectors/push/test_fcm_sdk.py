"""Firebase's own Python library sends what we send; it writes members in the other of protobuf's two spellings."""

import re
from urllib.parse import urlsplit

import orjson
import pytest

from connectors.kit import Token
from connectors.push.fcm import connector
from testkit import flows
from testkit.flows import NOW, OUTCOME, answer
from testkit.vendors import google_account

pytestmark = [pytest.mark.vendor, pytest.mark.filterwarnings("ignore")]
SETTINGS = {"service_account_json": google_account.key_file()}
PHONE = "cX1:APA91b-phone_1"
TAKEN = {"name": "projects/emulated-shop/messages/0:1"}


@pytest.fixture
def messaging(keeper, monkeypatch):
    firebase = pytest.importorskip("firebase_admin", reason="firebase-admin is not installed")
    from firebase_admin import credentials, messaging
    from google.oauth2.credentials import Credentials

    class Held(credentials.Base):
        def get_credential(self):
            return Credentials(token="T")

    monkeypatch.setattr(messaging._MessagingService, "FCM_URL", keeper.url + "/v1/projects/{0}/messages:send")
    keeper.replies.append(TAKEN)
    app = firebase.initialize_app(Held(), {"projectId": "emulated-shop"})
    yield messaging
    firebase.delete_app(app)


def ours(**params):
    made = flows.call(connector, "send_push", settings=SETTINGS, params={"title": "Stay", "body": "20 %", **params},
                      attributes={"push_endpoints_fcm": PHONE})
    (request,) = flows.run(connector, "send_push", made, [answer(json=TAKEN)]).requests
    return flows.sign(connector, SETTINGS, request, token=Token("T", NOW + 60))


def spelled(value):
    """Members as protobuf's JSON may write them too; the names inside of data and headers are free."""
    if not isinstance(value, dict):
        return value
    return {re.sub("([A-Z])", lambda found: f"_{found[1].lower()}", name): spelled(one) for name, one in value.items()}


def compare(signed, asked):
    assert (signed.method, urlsplit(signed.url).path) == (asked.method, urlsplit(asked.path).path)
    assert flows.header(signed, "authorization") == asked.headers["authorization"]
    assert flows.header(signed, "content-type") == asked.headers["content-type"]
    mine, theirs = spelled(orjson.loads(signed.body)), spelled(orjson.loads(asked.body))
    assert theirs.pop("validate_only", False) is False
    for one in (mine, theirs):
        one["message"]["android"]["priority"] = one["message"]["android"]["priority"].upper()
    assert mine == theirs


def test_a_notification_is_what_the_vendors_library_sends(messaging, keeper):
    tray = messaging.AndroidNotification(tag=OUTCOME, channel_id="offers")
    loud = messaging.APNSPayload(messaging.Aps(sound="default"))
    messaging.send(messaging.Message(
        token=PHONE, data={"promo_id": "p-1", "deep_link": "app://offer"},
        notification=messaging.Notification("Stay", "20 %", image="https://img.example/1.png"),
        android=messaging.AndroidConfig(collapse_key="offer", priority="high", ttl=60, notification=tray),
        apns=messaging.APNSConfig({"apns-collapse-id": "offer"}, loud)))
    compare(ours(image_url="https://img.example/1.png", channel_id="offers", collapse_key="offer", ttl_seconds=60,
                 deep_link="app://offer"), keeper.kept[0])


def test_a_data_message_is_what_the_vendors_library_sends(messaging, keeper):
    messaging.send(messaging.Message(
        token=PHONE, data={"promo_id": "p-1"}, android=messaging.AndroidConfig(priority="normal", ttl=86_400)))
    compare(ours(silent=True), keeper.kept[0])


def test_the_connection_test_asks_as_a_dry_run_of_the_vendors_library(messaging, keeper):
    messaging.send(messaging.Message(topic="prompt-actions-connection-test", data={"connection": "test"}), dry_run=True)
    settings = connector.settings.model_validate(SETTINGS)
    (request,) = flows.drive(connector.check(settings), [answer(json=TAKEN)], connector.read).requests
    asked = keeper.kept[0]
    assert spelled(orjson.loads(request.body)) == spelled(orjson.loads(asked.body))
    assert urlsplit(flows.sign(connector, SETTINGS, request, token=Token("T", NOW)).url).path == asked.path
