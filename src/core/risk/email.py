"""E-mail addresses, and what is written with an @ and is none: files, versions, remotes, users in URLs."""

import re

from core.risk.pattern import OWNED, Span, pattern

_LOCAL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+-"
_LOCAL_CHARACTERS_MAX = 64

_NO_DOMAINS = frozenset(
    b"png jpg jpeg gif svg webp ico bmp css scss less js mjs cjs jsx ts tsx json yaml yml toml xml html txt log lock"
    b" conf tgz gz jar dll exe wav mp3 mp4 pdf csv service socket timer target".split()
)
"""What a file's or a unit's name ends in, and no domain does."""

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
    is_no_address = local in _KOTLIN or _is_version_or_file(match[1]) or _REMOTE_PATH.match(data, end, end + 102)
    if is_no_address or _IN_URL.search(data[max(0, start - 260) : start]):
        return None
    return start, end


def _is_version_or_file(domain: bytes) -> bool:
    labels = domain.split(b".")
    if any(label.startswith(b"-") or label.endswith(b"-") for label in labels) or labels[-1].lower() in _NO_DOMAINS:
        return True
    is_counting = _NUMBER.fullmatch(labels[0]) is not None
    return is_counting and len(labels) > 2 and _NUMBER.match(labels[1]) is not None


EMAIL = (
    pattern(
        b"@",
        of=rb"@((?:[A-Za-z0-9-]{1,63}\.){1,8}(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9-]{2,59}))(?![A-Za-z0-9_@(\x01-])",
        check=_address,
    ),
)
