"""Where alerts may be sent: an address that a tenant has chosen, and that the operator's Workers will post to.

It must lead to a host on the public internet, over TLS: `https`, a name with a dot in it, the usual port. So a tenant
cannot have the Worker speak to what only the operator reaches. For a receiver of the operator's own, as the local stack
has one, the operator lifts that; what is no plain address stays refused. The rule easy to break: readers of addresses
disagree about the odd ones (user names, backslashes, other spellings of numbers), so only one spelling is taken.
"""

import re

URL_CHARACTERS_MAX = 1_000

_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*")
"""Those of RFC 3986: no blanks, no controls, no backslash, nothing that needs encoding."""

_PARTS = re.compile(r"(https?)://([^/?#]*)([/?][^#]*)?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_PRIVATE_ENDINGS = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "home.arpa", "test")
"""Names that are nobody's on the internet (RFC 2606, 6761, 6762, 8375; ICANN's `.internal`; and old habits)."""


def url_fault(url: str, *, allows_private: bool) -> str | None:
    """Why nothing is sent there, in words that go behind the field's name and repeat nothing of it; None if it may be.

    `allows_private` is the operator's word: `http`, numbers for a host, names without a dot, and any port.
    """
    if len(url) > URL_CHARACTERS_MAX:
        return f"must have at most {URL_CHARACTERS_MAX} characters"
    if not _CHARACTERS.fullmatch(url):
        return "must be a URL in plain characters; others are percent-encoded, and a name's are written as xn--…"
    parts = _PARTS.fullmatch(url)
    if parts is None or not parts[2]:
        return "must be a whole URL without a fragment, such as https://alerts.example.com/agentwatch"
    if "@" in parts[2]:
        return "must not have a user name or a password in it"
    authority = _AUTHORITY.fullmatch(parts[2])
    if authority is None:
        return "must name a host, such as alerts.example.com"
    if allows_private:
        return None
    return _public_fault(parts[1].lower(), authority[1].lower(), authority[2])


def _public_fault(scheme: str, host: str, port: str | None) -> str | None:
    if scheme != "https":
        return "must begin with https://"
    if port not in (None, "443"):
        return "must use port 443"
    labels = host.split(".")
    if len(host) > 253 or len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)):
        return "must name a host on the internet, such as alerts.example.com"
    if not labels[-1].isalpha() and not labels[-1].startswith("xn--"):
        return "must name its host; a number is no name"
    if any(host == ending or host.endswith(f".{ending}") for ending in _PRIVATE_ENDINGS):
        return "must name a host on the internet, not one of a private network"
    return None
