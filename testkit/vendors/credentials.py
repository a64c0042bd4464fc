"""The credentials that the emulators know: one place for examples, demo, tests and `python -m testkit.vendors`.

They open nothing but the emulators, so they may stand in any file.
"""

# ruff: noqa: S105 - the passwords of emulators are no secrets

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

STRIPE_API_KEY = "rk_test_emulator"
STRIPE_READ_ONLY_KEY = "rk_test_emulator_reads"
"""Lacks the permission to write: 403."""

ZENDESK_USERNAME = "agent@example.com"
ZENDESK_API_KEY = "zendesk-emulator-token"

SENDGRID_API_KEY = "SG.emulator"
SENDGRID_READ_ONLY_KEY = "SG.emulator-reads"
"""Lacks mail.send and marketing.update: 403."""
SENDGRID_FROM_EMAIL = "offers@example.com"

SALESFORCE_CLIENT_ID = "salesforce-emulator-client"
SALESFORCE_CLIENT_SECRET = "salesforce-emulator-secret"
SALESFORCE_USERNAME = "integration@example.com"
SALESFORCE_PASSWORD = "salesforce-emulator-password"
SALESFORCE_SECURITY_TOKEN = "emulatortoken"
MC_CLIENT_ID = "mc-emulator-client"
MC_CLIENT_SECRET = "mc-emulator-secret"
MC_ACCOUNT_ID = "1234567"

MIXPANEL_USERNAME = "exports.emulator.mp-service-account"
MIXPANEL_PASSWORD = "mixpanel-emulator-password"
MIXPANEL_PROJECT_TOKEN = "mixpanelemulatortoken"
MIXPANEL_PROJECT_ID = "2345678"

APPLE_BUNDLE_ID = "com.example.app"
APPLE_ISSUER_ID = "00000000-1111-2222-3333-444444444444"
APPLE_KEY_ID = "EMULATOR01"
APPLE_APP_ID = 1234567890

CUSTOM_API_KEY = "custom-emulator-key"
CUSTOM_WEBHOOK_SECRET = "whsec_cHJvbXB0LWFjdGlvbnMtZW11bGF0b3Itc2VjcmV0"

SEGMENT_WRITE_KEY = "segment-emulator-write-key"


@cache
def apple_key() -> ec.EllipticCurvePrivateKey:
    """The In-App Purchase key: worked out from a constant, so that every process has the same."""
    return derived_key("in-app purchase key")


def derived_key(name: str) -> ec.EllipticCurvePrivateKey:
    """A P-256 key that belongs to `name`, the same every time."""
    return ec.derive_private_key(int.from_bytes(name.encode().ljust(31, b"."), "big"), ec.SECP256R1())


def apple_private_key() -> str:
    """The In-App Purchase key as the .p8 text that App Store Connect gives out."""
    return apple_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def apple_public_key() -> str:
    """The other half, as PEM."""
    return apple_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def environment(url: str = "") -> Mapping[str, str]:
    """All credentials as environment variables; with the server's address, each vendor's `..._BASE_URL` too."""
    found = {
        "STRIPE_API_KEY": STRIPE_API_KEY,
        "ZENDESK_USERNAME": ZENDESK_USERNAME,
        "ZENDESK_API_KEY": ZENDESK_API_KEY,
        "SENDGRID_API_KEY": SENDGRID_API_KEY,
        "SENDGRID_FROM_EMAIL": SENDGRID_FROM_EMAIL,
        "SALESFORCE_CLIENT_ID": SALESFORCE_CLIENT_ID,
        "SALESFORCE_CLIENT_SECRET": SALESFORCE_CLIENT_SECRET,
        "SALESFORCE_USERNAME": SALESFORCE_USERNAME,
        "SALESFORCE_PASSWORD": SALESFORCE_PASSWORD,
        "SALESFORCE_SECURITY_TOKEN": SALESFORCE_SECURITY_TOKEN,
        "MC_CLIENT_ID": MC_CLIENT_ID,
        "MC_CLIENT_SECRET": MC_CLIENT_SECRET,
        "MC_ACCOUNT_ID": MC_ACCOUNT_ID,
        "MIXPANEL_USERNAME": MIXPANEL_USERNAME,
        "MIXPANEL_PASSWORD": MIXPANEL_PASSWORD,
        "MIXPANEL_PROJECT_TOKEN": MIXPANEL_PROJECT_TOKEN,
        "MIXPANEL_PROJECT_ID": MIXPANEL_PROJECT_ID,
        "APPLE_BUNDLE_ID": APPLE_BUNDLE_ID,
        "APPLE_ISSUER_ID": APPLE_ISSUER_ID,
        "APPLE_KEY_ID": APPLE_KEY_ID,
        "APPLE_PRIVATE_KEY": apple_private_key(),
        "CUSTOM_API_KEY": CUSTOM_API_KEY,
        "CUSTOM_WEBHOOK_SECRET": CUSTOM_WEBHOOK_SECRET,
        "SEGMENT_WRITE_KEY": SEGMENT_WRITE_KEY,
    }
    if url:
        found.update({f"{name.upper()}_BASE_URL": f"{url}/{name}" for name in BASE_URLS})
    return found


BASE_URLS = (
    "stripe", "zendesk", "sendgrid", "salesforce_marketing_cloud", "mixpanel", "apple_app_store",
    "apple_app_store_sandbox", "custom_api", "segment",
)
