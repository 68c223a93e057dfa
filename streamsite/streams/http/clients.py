"""The address of the client that sent a request, also behind a proxy."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from django.http import HttpRequest

from ..conf import setting

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def client_of(request: HttpRequest) -> str:
    """Return the address of the client, such as "203.0.113.7", or "" if the server names none.

    Each proxy appends the address of its own client to X-Forwarded-For. The header is therefore
    read from the right, through the proxies in STREAM_TRUSTED_PROXIES, to the first address that is
    not one of them. What stands before that address may be forged by the client.
    """
    client = str(request.META.get("REMOTE_ADDR", ""))
    trusted = networks(tuple(setting("STREAM_TRUSTED_PROXIES")))
    forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", "")) if trusted else ""
    for entry in reversed(forwarded.split(",")):
        address = parse_address(client)
        found = parse_address(entry.strip())
        if found is None or address is None or not any(address in each for each in trusted):
            break
        client = str(found)
    return client


def parse_address(text: str) -> Address | None:
    """Return an IP address, which may have a port, or None if `text` is none.

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
