"""Addresses: of clients as limits count them, of servers as they may be reached without encryption."""

from ipaddress import AddressValueError, IPv6Address, ip_address
from urllib.parse import urlsplit

UNKNOWN = "unknown"


def network_of(address: str) -> str:
    """The address itself; of IPv6 the first 64 bits, because one customer has at least that many for itself."""
    try:
        number = int(IPv6Address(address))
    except AddressValueError:
        return address or UNKNOWN
    return f"{IPv6Address(number >> 64 << 64)}/64"


class InvalidBaseURL(ValueError):
    """The variable it names is not a base URL that keys may be sent to. The message never shows its value."""


def base_url(text: str, variable: str) -> str:
    """A server's base URL as a variable states it, without a slash at its end. Raises `InvalidBaseURL`.

    Keys and prompts travel there, so it is encrypted, except on the machine itself.
    """
    url = text.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise InvalidBaseURL(f"{variable} must be an https:// URL") from None
    if not host or parts.query or parts.fragment or parts.username is not None:
        raise InvalidBaseURL(f"{variable} must be an https:// URL without a user, a query or a fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise InvalidBaseURL(f"{variable} must begin with https://, or lead to this machine (http://127.0.0.1…)")
    return url


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
