"""The address of the client that sent a request, also behind a proxy."""

import logging
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest

from ..conf import setting

logger = logging.getLogger(__name__)

_warned = False

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def client_of(request: HttpRequest) -> str:
    """Return the address of the client, such as "203.0.113.7", or "" if the server names none.

    Each proxy appends the address of its own client to X-Forwarded-For. The header is therefore
    read from the right, through the proxies in STREAM_TRUSTED_PROXIES, to the first address that is
    not one of them. The client may have forged what stands before that address.
    """
    return _client(
        str(request.META.get("REMOTE_ADDR", "")), request.META.get("HTTP_X_FORWARDED_FOR", "")
    )


def client_in(scope: Any) -> str:
    """Return the address of the client, given the ASGI scope, as `client_of` does."""
    remote = str((scope.get("client") or ("",))[0])
    if not setting("STREAM_TRUSTED_PROXIES"):
        return remote
    entries = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return _client(remote, b",".join(entries).decode("latin1"))


def _client(client: str, forwarded: str) -> str:
    if not (trusted := setting("STREAM_TRUSTED_PROXIES")):
        return client
    trusted = networks(tuple(trusted))
    for entry in reversed(forwarded.split(",")):
        address = parse_address(client)
        found = parse_address(entry.strip())
        if found is None or address is None or not any(address in each for each in trusted):
            break
        client = str(found)
    return client


def warn_of_proxy(proxy: str) -> None:
    """Log, once in a process, that all clients of a proxy share the limits of one address."""
    global _warned
    if _warned:
        return
    _warned = True
    logger.warning(
        "A limit of client addresses refuses requests from %s, which sends X-Forwarded-For. If it "
        "is your proxy, name it in STREAM_TRUSTED_PROXIES. Now all of its clients count as one.",
        proxy,
    )


def network_of(client: str) -> str:
    """Return the network that counts as one client: an IPv4 address, or a /64 of IPv6.

    For example `network_of("2001:db8::1:2")` is "2001:db8::". A provider of IPv6 gives each
    customer at least a /64 (RFC 6177), whose addresses the customer may change at will.
    """
    return _network_of(client) if ":" in client else client


@lru_cache(4096)
def _network_of(client: str) -> str:
    address = parse_address(client)
    if not isinstance(address, IPv6Address):
        return client if address is None else str(address)
    return str(ip_network((address, 64), strict=False).network_address)


def parse_address(text: str) -> Address | None:
    """Return the IP address in `text`, which may have a port, or None if there is none.

    An IPv4 address that a socket of IPv6 sees, such as "::ffff:192.0.2.1", is the IPv4 address.
    """
    try:
        address = ip_address(text)
    except ValueError:
        try:
            address = ip_address(urlsplit(f"//{text}").hostname or "")
        except ValueError:
            return None
    return getattr(address, "ipv4_mapped", None) or address


def parse_network(text: str) -> Network | None:
    """Return the network of an address or of a network such as "10.0.0.0/8", or None."""
    try:
        return ip_network(text)
    except ValueError:
        return None


@lru_cache(1)
def networks(entries: tuple[str, ...]) -> list[Network]:
    """Return the networks that are valid. A system check refuses the others."""
    return [network for network in map(parse_network, entries) if network is not None]
