"""E-mail addresses, and what is written with an @ and is nobody's: files, versions, remotes, users in URLs, and what is
in a domain that is reserved for examples."""

import re

from .pattern import OWNED, Span, pattern

_LOCAL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+-"
_LOCAL_CHARACTERS_MAX = 64

_NO_DOMAINS = frozenset(
    b"png jpg jpeg gif svg webp ico bmp css scss less js mjs cjs jsx ts tsx json yaml yml toml xml html txt log lock"
    b" conf tgz gz jar dll exe wav mp3 mp4 pdf csv service socket timer target".split()
)
"""What a file's or a unit's name ends in, and no domain does."""

_RESERVED_TOP = frozenset((b"example", b"test", b"invalid", b"localhost"))
_RESERVED = frozenset((b"example.com", b"example.net", b"example.org"))
"""With everything below them (RFC 2606, RFC 6761): nobody has an address there."""

_KOTLIN = frozenset((b"this", b"super", b"return"))
_NUMBER = re.compile(rb"[0-9]+x?")
_REMOTE_PATH = re.compile(rb":(?:[~/]|[A-Za-z0-9._~-]{1,100}/)")
_IN_URL = re.compile(rb"://[^\s/?#@\"'<>]{0,256}\Z")


def _address(data: bytes, match: re.Match[bytes]) -> Span | None:
    at, end = match.span()
    before = data[max(0, at - _LOCAL_CHARACTERS_MAX - 1) : at]
    run = before[len(before.rstrip(_LOCAL)) :]
    local = run.lstrip(b".-+%")
    start = at - len(local)
    if not 0 < len(local) <= _LOCAL_CHARACTERS_MAX or len(run) > _LOCAL_CHARACTERS_MAX:
        return None
    if local.endswith(b".") or b".." in local or data[max(0, start - 1) : start] == OWNED:
        return None
    is_nobodys = local in _KOTLIN or _is_version_or_file(match[1]) or _is_reserved(match[1])
    if is_nobodys or _REMOTE_PATH.match(data, end, end + 102) or _IN_URL.search(data[max(0, start - 260) : start]):
        return None
    return start, end


def _is_version_or_file(domain: bytes) -> bool:
    labels = domain.split(b".")
    if any(label.startswith(b"-") or label.endswith(b"-") for label in labels) or labels[-1].lower() in _NO_DOMAINS:
        return True
    is_counting = _NUMBER.fullmatch(labels[0]) is not None
    return is_counting and len(labels) > 2 and _NUMBER.match(labels[1]) is not None


def _is_reserved(domain: bytes) -> bool:
    labels = domain.lower().split(b".")
    return labels[-1] in _RESERVED_TOP or b".".join(labels[-2:]) in _RESERVED


EMAIL = (
    pattern(
        b"@",
        of=rb"@((?:[A-Za-z0-9-]{1,63}\.){1,8}(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9-]{2,59}))(?![A-Za-z0-9_@(\x01-])",
        check=_address,
    ),
)
