"""What every connector of the catalogue is given so that it talks to its emulator: settings, secrets, addresses.

A new connector gets a row here; tests of the whole catalogue take their settings from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pydantic import SecretStr

from testkit.vendors import (
    activecampaign,
    adm,
    adobe_experience_platform,
    amazon_appstore_row,
    amplitude_row,
    apns,
    braintree,
    braze,
    chargify,
    cleeng,
    credentials,
    evergent,
    freshdesk,
    google_account,
    google_analytics_row,
    google_play,
    heap_row,
    iterable,
    mparticle_row,
    naviga,
    piano,
    recurly,
    roku,
    shopify,
    vindicia,
    zuora,
)

Row = Callable[[str], Mapping[str, Any]]
"""From the address of the emulator to settings; what is secret is wrapped."""

ANY_HOST = {"allow_test_hosts": True}


def _locked(known: Mapping[str, Any], *secrets: str) -> dict[str, Any]:
    """Settings of an emulator that names them itself, with some of them made secret."""
    return {name: SecretStr(value) if name in secrets else value for name, value in known.items()}


ROWS: Mapping[str, Row] = {
    "activecampaign": lambda at: {
        "subdomain": "shop", "api_key": SecretStr(activecampaign.API_KEY), "base_url": at, **ANY_HOST},
    "adm": lambda at: {
        "client_id": adm.CLIENT_ID, "client_secret": SecretStr(adm.CLIENT_SECRET), "base_url": at, **ANY_HOST},
    "adobe_experience_platform": lambda at: {
        **_locked(adobe_experience_platform.SETTINGS, "client_secret"), "base_url": at, **ANY_HOST},
    "amazon_appstore": lambda at: {
        "shared_secret": SecretStr(amazon_appstore_row.SHARED_SECRET), "products": ["gold"], "base_url": at,
        **ANY_HOST},
    "amplitude": lambda at: {"api_key": SecretStr(amplitude_row.API_KEY), "base_url": at, **ANY_HOST},
    "apns": lambda at: {
        "bundle_id": apns.BUNDLE_ID, "team_id": apns.TEAM_ID, "token_key": SecretStr(apns.token_key()),
        "token_key_id": apns.KEY_ID, "base_url": at, **ANY_HOST},
    "apple_app_store": lambda at: {
        "bundle_id": credentials.APPLE_BUNDLE_ID, "issuer_id": credentials.APPLE_ISSUER_ID,
        "key_id": credentials.APPLE_KEY_ID, "private_key": SecretStr(credentials.apple_private_key()),
        "products": ["premium"], "base_url": at, **ANY_HOST},
    "braintree": lambda at: {
        "merchant_id": braintree.MERCHANT_ID, "public_key": braintree.PUBLIC_KEY,
        "private_key": SecretStr(braintree.PRIVATE_KEY), "base_url": at, **ANY_HOST},
    "braze": lambda at: {"api_key": SecretStr(braze.API_KEY), "base_url": at, **ANY_HOST},
    "chargify": lambda at: {"api_key": SecretStr(chargify.API_KEY), "domain": "emulator", "base_url": at, **ANY_HOST},
    "cleeng": lambda at: {"api_key": SecretStr(cleeng.TOKEN), "base_url": at, **ANY_HOST},
    "custom_api": lambda at: {
        "credentials": {"key": SecretStr(credentials.CUSTOM_API_KEY)}, "allow_private_addresses": True,
        "api_actions": {"start_delivery": {
            "url": f"{at}/start_delivery", "headers": {"Authorization": "Bearer %provider.key%"},
            "payload": {"user": "%user_id%"}, "success_member": "ok", "reference": "id"}}},
    "evergent": lambda at: {
        "domain": "emulated.evergent.com/x", "api_key": SecretStr(evergent.API_KEY),
        "channel_partner_id": evergent.PARTNER, "base_url": at, **ANY_HOST},
    "freshdesk": lambda at: {
        "domain": "shop", "api_key": SecretStr(freshdesk.API_KEY), "allow_spam_endpoint": True, "base_url": at,
        **ANY_HOST},
    "fcm": lambda at: {
        "service_account_json": SecretStr(google_account.key_file()), "base_url": at,
        "token_url": f"{at}/token", **ANY_HOST},
    "google_analytics": lambda at: {
        "measurement_id": google_analytics_row.MEASUREMENT_ID, "api_secret": SecretStr(google_analytics_row.API_SECRET),
        "base_url": at, **ANY_HOST},
    "google_play": lambda at: {
        "package_name": google_play.PACKAGE_NAME, "service_account_json": SecretStr(google_account.key_file()),
        "products": ["gold", "coins"], "base_url": at, "token_url": f"{at}/token", **ANY_HOST},
    "heap": lambda at: {"app_id": heap_row.APP_ID, "base_url": at, **ANY_HOST},
    "iterable": lambda at: {"api_key": SecretStr(iterable.API_KEY), "base_url": at, **ANY_HOST},
    "mixpanel": lambda at: {
        "service_account_username": credentials.MIXPANEL_USERNAME,
        "service_account_password": SecretStr(credentials.MIXPANEL_PASSWORD),
        "project_token": credentials.MIXPANEL_PROJECT_TOKEN, "project_id": credentials.MIXPANEL_PROJECT_ID,
        "base_url": at, **ANY_HOST},
    "mparticle": lambda at: {
        "server_key": mparticle_row.SERVER_KEY, "server_secret": SecretStr(mparticle_row.SERVER_SECRET),
        "base_api_endpoint": at, **ANY_HOST},
    "naviga": lambda at: {**_locked(naviga.SETTINGS, "token"), "base_url": at, **ANY_HOST},
    "piano": lambda at: {"api_token": SecretStr(piano.API_TOKEN), "aid": piano.AID, "base_url": at, **ANY_HOST},
    "recurly": lambda at: {"api_key": SecretStr(recurly.API_KEY), "base_url": at, **ANY_HOST},
    "roku": lambda at: {
        "api_key": SecretStr(roku.API_KEY), "products": ["gold"], "allow_bill_cycle": True, "base_url": at, **ANY_HOST},
    "salesforce_marketing_cloud": lambda at: {
        "support_login_url": at, "support_client_id": credentials.SALESFORCE_CLIENT_ID,
        "support_client_secret": SecretStr(credentials.SALESFORCE_CLIENT_SECRET),
        "mc_client_id": credentials.MC_CLIENT_ID, "mc_client_secret": SecretStr(credentials.MC_CLIENT_SECRET),
        "mc_account_id": credentials.MC_ACCOUNT_ID, "mc_base_url": at, "mc_auth_base_url": at,
        "mc_soap_base_url": at, **ANY_HOST},
    "segment": lambda at: {"write_key": SecretStr(credentials.SEGMENT_WRITE_KEY), "base_url": at, **ANY_HOST},
    "sendgrid": lambda at: {
        "api_key": SecretStr(credentials.SENDGRID_API_KEY), "from_email": credentials.SENDGRID_FROM_EMAIL,
        "base_url": at, **ANY_HOST},
    "shopify": lambda at: {
        "shop_url": shopify.SHOP_URL, "storefront_token": SecretStr(shopify.TOKEN), "base_url": at, **ANY_HOST},
    "stripe": lambda at: {"api_key": SecretStr(credentials.STRIPE_API_KEY), "base_url": at, **ANY_HOST},
    "vindicia": lambda at: {
        "username": vindicia.USERNAME, "password": SecretStr(vindicia.PASSWORD), "base_url": at, **ANY_HOST},
    "zendesk": lambda at: {
        "domain": "shop", "username": credentials.ZENDESK_USERNAME, "api_key": SecretStr(credentials.ZENDESK_API_KEY),
        "base_url": at, **ANY_HOST},
    "zuora": lambda at: {
        "client_id": zuora.CLIENT_ID, "client_secret": SecretStr(zuora.CLIENT_SECRET), "api_url": at, **ANY_HOST},
}
"""By connector; the emulator of each answers under its id."""


def settings(connector: str, url: str) -> dict[str, Any]:
    """The settings of a connector with its secrets in the open, as its model takes them; `url` is the server's."""
    return _each(_row(connector, url), lambda _path, secret: secret.get_secret_value())


def referring(connector: str, url: str) -> dict[str, Any]:
    """The settings as `connectors.yaml` has them: secrets are references to variables of `environment`."""
    return _each(_row(connector, url), lambda path, _secret: f"env:{_variable(connector, path)}")


def environment(connectors: Iterable[str] = ROWS) -> dict[str, str]:
    """The variables that `referring` refers to."""
    return {_variable(connector, path): secret.get_secret_value()
            for connector in connectors for path, secret in _secrets(_row(connector, ""))}


def _secrets(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], SecretStr]]:
    for name, value in values.items():
        if isinstance(value, SecretStr):
            yield (*path, name), value
        elif isinstance(value, Mapping):
            yield from _secrets(value, (*path, name))


def _row(connector: str, url: str) -> Mapping[str, Any]:
    if connector not in ROWS:
        raise LookupError(f"no settings lead '{connector}' to its emulator: add a row to ROWS in"
                          " testkit/vendors/settings.py")
    return ROWS[connector](f"{url}/{connector}")


def _variable(connector: str, path: tuple[str, ...]) -> str:
    return "_".join(("EMULATED", connector, *path)).upper()


def _each(values: Mapping[str, Any], put: Callable[[tuple[str, ...], SecretStr], Any],
          path: tuple[str, ...] = ()) -> dict[str, Any]:
    """The values with something else in the place of each secret."""
    made: dict[str, Any] = {}
    for name, value in values.items():
        here = (*path, name)
        if isinstance(value, SecretStr):
            made[name] = put(here, value)
        else:
            made[name] = _each(value, put, here) if isinstance(value, Mapping) else value
    return made
