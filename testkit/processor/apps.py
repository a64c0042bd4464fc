"""Configurations of apps for these tests, whose connectors call the emulators."""

from collections.abc import Mapping
from typing import Any

from connectors.kit.event import Event

HOUR = 3_600_000
FAST = {"rate": 100000, "concurrency": 200, "timeout": "5s"}


def custom_api(url: str, **actions: Mapping[str, Any]) -> dict[str, Any]:
    """The customer's own endpoint: `take` may be repeated, `once` must not be; the path tells event and binding."""
    take = {
        "url": f"{url}/custom_api/take/%prompt_id%/%event_id%", "payload": {"user": "%user_id%"},
        "idempotency_header": "Idempotency-Key", "safe_to_repeat": True, "success_member": "ok", "reference": "id",
    }
    once = {**take, "url": f"{url}/custom_api/once/%prompt_id%/%event_id%", "safe_to_repeat": False}
    del once["idempotency_header"]
    account = {**take, "url": f"{url}/custom_api/account/%prompt_id%/%event_id%",
               "payload": {"user": "%user_id%", "account": "%account%"}}
    return {"limits": FAST, "settings": {
        "allow_private_addresses": True, "api_actions": {"take": take, "once": once, "account": account, **actions}}}


def sendgrid(url: str, **more: Any) -> dict[str, Any]:
    """Mails; none of them may be sent twice."""
    return {"limits": FAST, "settings": {
        "api_key": "env:SENDGRID_API_KEY", "from_email": "offers@example.com", "base_url": f"{url}/sendgrid",
        "allow_test_hosts": True, **more}}


def zendesk(url: str) -> dict[str, Any]:
    """Tickets, looked for before a doubtful one is made again."""
    return {"limits": FAST, "settings": {
        "domain": "alpha.zendesk.com", "username": "agent@example.com", "api_key": "env:ZENDESK_API_KEY",
        "base_url": f"{url}/zendesk", "allow_test_hosts": True}}


def stripe(url: str) -> dict[str, Any]:
    """Coupons, under idempotency keys."""
    return {"limits": FAST, "settings": {
        "api_key": "env:STRIPE_API_KEY", "base_url": f"{url}/stripe", "allow_test_hosts": True}}


def apple(url: str) -> dict[str, Any]:
    """Instructions to the app."""
    return {"settings": {
        "bundle_id": "com.example.app", "issuer_id": "00000000-1111-2222-3333-444444444444", "key_id": "EMULATOR01",
        "private_key": "env:APPLE_PRIVATE_KEY", "products": ["premium"], "base_url": f"{url}/apple_app_store",
        "allow_test_hosts": True}}


def mixpanel(url: str) -> dict[str, Any]:
    """The export of every interaction."""
    return {"settings": {
        "service_account_username": "exports.emulator.mp-service-account",
        "service_account_password": "env:MIXPANEL_PASSWORD", "project_token": "mixpanelemulatortoken",
        "project_id": "2345678", "base_url": f"{url}/mixpanel", "allow_test_hosts": True,
    }, "exports": {"export_prompt_event": {}}}


def call(api_action: str = "take", **more: Any) -> dict[str, Any]:
    """A binding to the customer's own endpoint."""
    return {"action": "custom_api.call_api", "params": {"api_action": api_action}, **more}


def mail(**more: Any) -> dict[str, Any]:
    """A binding that sends a mail."""
    return {"action": "sendgrid.send_template_email", "params": {"template_id": "d-offer"}, **more}


def one_app(url: str) -> dict[str, Any]:
    """App `alpha`: prompt `offer` calls the customer, `letter` calls and then mails, `account` needs an attribute."""
    return {
        "alpha/app": {"title": "Alpha"},
        "alpha/connectors": {"custom_api": custom_api(url), "sendgrid": sendgrid(url)},
        "alpha/prompts": {
            "offer": {"accept": [call()], "decline": [call("once")]},
            "letter": {"accept": [call(), mail()]},
            "account": {"accept": [call("account")]},
        },
    }


def event(number: int, user: str = "u1", prompt: str = "offer", interaction: str = "accept", *, time: int,
          app: str = "alpha", **more: Any) -> Event:
    """An interaction; its id tells its number."""
    return Event(f"e{number:05d}", app, user, prompt, interaction, time, **more)
