"""Addresses that customers choose: taken apart strictly, so that no two readers see different hosts in one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

PORTS = {"https": 443, "http": 80}
PRIVATE_NAMES = ("localhost", "local", "internal", "localdomain", "lan", "home", "svc", "intranet")
"""Last labels of names that exist in private networks only."""

_URL = re.compile(r"(https?)://([^/?#]+)([^#]*)", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029]")


class Endpoint(NamedTuple):
    """Where a request goes, and what of it is still a template."""

    scheme: str
    host: str
    """In lower case, in its ASCII form."""
    port: int
    rest: str
    """Path and query as they were written, from the first slash."""

    @property
    def place(self) -> str:
        """Host, and port where it is not the usual one: as an allow list names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port, as every request to it begins."""
        return f"{self.scheme}://{self.place}"


def parse_endpoint(url: str) -> Endpoint:
    """Take an address apart; raises ValueError saying what must not stand there."""
    if _FORBIDDEN.search(url):
        raise ValueError("holds a space, backslash or control character; percent-encode it")
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError("is no web address without a fragment; write https://host/path")
    scheme, authority, rest = found[1].lower(), found[2], found[3]
    if "@" in authority:
        raise ValueError("holds a user name or password; put credentials into a header")
    if "%" in authority:
        raise ValueError("has a placeholder or percent sign in its host or port; they are fixed")
    parts = _AUTHORITY.fullmatch(authority)
    port = int(parts[2] or PORTS[scheme]) if parts else 0
    if parts is None or not 0 < port < 65_536:
        raise ValueError(f"has no readable host and port: '{authority}'")
    return Endpoint(scheme, _host(parts[1]), port, rest if rest.startswith("/") else f"/{rest}")


def _host(text: str) -> str:
    if text.startswith("["):
        return str(ip_address(text[1:-1]))
    try:
        host = text.encode("idna").decode().lower()
    except UnicodeError:
        raise ValueError(f"has a host that is no name: '{text}'") from None
    if not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise ValueError(f"has a host that is no name: '{text}'")
    return host if _NUMBER.fullmatch(host.rpartition(".")[2]) is None else _numbers(host)


def _numbers(host: str) -> str:
    """A host that ends in a number is an address, in the one spelling that all readers agree on."""
    try:
        return str(IPv4Address(host))
    except ValueError:
        raise ValueError(f"has an address in an odd spelling: '{host}'; write four decimal numbers") from None


def endpoint_problem(endpoint: Endpoint, allowed: Sequence[str], *, private: bool) -> str:
    """Why an address must not be called, for a person; "" where it may. `private` is for tests and closed networks."""
    if allowed and endpoint.place not in allowed:
        return f"names the host {endpoint.place}, which is not among the allowed ones: {', '.join(allowed)}"
    if private:
        return ""
    if endpoint.scheme != "https":
        return "must begin with https://"
    if endpoint.port != PORTS["https"] and endpoint.place not in allowed:
        return f"has the unusual port {endpoint.port}; add '{endpoint.place}' to the allowed hosts"
    return "names a host of a private network" if _is_private(endpoint.host) else ""


def _is_private(host: str) -> bool:
    try:
        return not _is_global(ip_address(host))
    except ValueError:
        return "." not in host or host.rpartition(".")[2] in PRIVATE_NAMES


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    inner = address.ipv4_mapped or address.sixtofour if isinstance(address, IPv6Address) else None
    return (inner or address).is_global and not address.is_multicast
