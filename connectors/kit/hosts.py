"""Where credentials may be sent: the vendor's own hosts and, if a setting says so, emulators of a test."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from connectors.kit.fields import field

_PLAIN = re.compile(r"[!-\[\]-~]+")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def test_hosts_field() -> Any:
    """The setting that lets a connector talk to an emulator: off, unless somebody says otherwise."""
    return field(
        "Allow test hosts", default=False, group="testing",
        help="lets addresses name an emulator: loopback, a host name without a dot, .localhost or .test, http as well; "
             "the vendor's own hosts stay allowed, all others stay refused",
    )


def host_problem(url: str, allowed: Sequence[str], *, test_hosts: bool = False) -> str:
    """Why credentials must not go to `url`, for a person; "" where they may.

    `allowed` holds whole hosts ("api.vendor.com") and, with a dot in front, what hosts may end in.
    """
    parts = _parts(url)
    if parts is None:
        return "is no web address; write https://<host>"
    host = parts.hostname or ""
    if test_hosts and parts.scheme in ("http", "https") and is_test_host(host):
        return ""
    if parts.scheme != "https":
        return "must begin with https://"
    if not any(host == one or (one.startswith(".") and host.endswith(one)) for one in allowed):
        return f"names a host that credentials are not sent to; allowed: {', '.join(_shown(one) for one in allowed)}"
    return "" if parts.path in ("", "/") else "must name the host only, without a path"


def account_host(text: str, ending: str) -> str:
    """The host of a customer's account at a vendor, named by its first part, as a whole, or as a pasted address.

    `ending` is what all accounts' hosts end in (".vendor.com"); "" where the text names no such host.
    """
    name = text.lower().removeprefix("https://").removesuffix("/").removesuffix(ending)
    return name + ending if _LABEL.fullmatch(name) else ""


def is_test_host(host: str) -> bool:
    """Whether a host cannot be a vendor's: loopback, a bare name of a private network, a reserved test name."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return bool(host) and ("." not in host or host.endswith((".localhost", ".test")))


def _parts(url: str) -> SplitResult | None:
    """The parts of an address that hides nothing: no user, query, fragment, odd port or odd character."""
    if not _PLAIN.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        strange = parts.username is not None or parts.query or parts.fragment or parts.port == 0
    except ValueError:
        return None
    host = parts.hostname or ""
    named = _HOST.fullmatch(host) or host == "::1"
    return None if strange or not named or "://" not in url else parts


def _shown(allowed: str) -> str:
    return f"*{allowed}" if allowed.startswith(".") else allowed
