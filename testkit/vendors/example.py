"""Lets the example configuration in `config/apps` run against the emulators: its secrets, and their addresses."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.kit.catalogue import catalogue
from testkit.vendors import credentials

APPS = ("STREAMLY", "DAILYNEWS")
"""Beginnings of the variables that the example names its secrets with."""

ADDRESSES: Mapping[str, tuple[str, ...]] = {
    "salesforce_marketing_cloud": ("support_login_url", "mc_base_url", "mc_auth_base_url", "mc_soap_base_url"),
    "custom_api": ("api_actions.start_delivery.url", "api_actions.record_reason.url"),
}
"""Settings that hold an address, where they are not `base_url`."""
SWITCHES = ("allow_test_hosts", "allow_private_addresses")


def environment() -> dict[str, str]:
    """The variables that the example refers to, with credentials that the emulators know."""
    return {f"{app}_{name}": value for app in APPS for name, value in credentials.environment().items()}


def overrides(url: str) -> dict[str, dict[str, str]]:
    """Settings that send the example's connectors to the emulators at `url`."""
    found: dict[str, dict[str, str]] = {}
    for name, connector in catalogue().items():
        fields = connector.settings.model_fields
        addresses = [one for one in ADDRESSES.get(name, ("base_url",)) if one.split(".")[0] in fields]
        switches = {one: "true" for one in SWITCHES if one in fields}
        found[name] = {one: _address(url, name, one) for one in addresses} | switches
    return found


def _address(url: str, connector: str, setting: str) -> str:
    """The emulator's address; an action of the customer's own keeps its name as the path."""
    parts = setting.split(".")
    return f"{url}/{connector}/{parts[1]}" if len(parts) > 1 else f"{url}/{connector}"
