"""Which addresses belong to the public internet, so that a customer's URL cannot reach our own network."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether `address` may be connected to on behalf of a customer; what is no address is not."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return _public(parsed)


def _public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast
    inner = _embedded(address)
    if inner is not None:
        return _public(inner)
    return address in _GLOBAL_UNICAST and address.is_global and address.teredo is None


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a gateway would unwrap from `address`: mapped, NAT64 or 6to4."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
