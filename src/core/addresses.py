"""Client addresses as limits count them."""

from ipaddress import AddressValueError, IPv6Address

UNKNOWN = "unknown"


def network_of(address: str) -> str:
    """The address itself; of IPv6 the first 64 bits, because one customer has at least that many for itself."""
    try:
        number = int(IPv6Address(address))
    except AddressValueError:
        return address or UNKNOWN
    return f"{IPv6Address(number >> 64 << 64)}/64"
