"""A document's version as HTTP names it: `ETag` in answers, `If-Match` and `If-None-Match` in writes (RFC 9110,
sections 8.8.3, 13.1.1 and 13.1.2).

A weak tag counts like a strong one: Cloudflare weakens the tag of an answer that it compresses on the way out, and a
client sends back what it got.
"""

import re

from core.refusals import InvalidRequest, VersionRequired

_TAG = r'(?:W/)?"([0-9]{1,15})"'
_TAGS = re.compile(rf"(?:{_TAG}[ \t]*(?:,[ \t]*|\Z))+", re.ASCII)

IF_MATCH_PATTERN = r'^(\*|(W/)?"[0-9]{1,15}"([ \t]*,[ \t]*(W/)?"[0-9]{1,15}")*)$(?!\n)'
"""What `If-Match` may say, in both dialects of patterns."""

TAGS_MAX = 10
"""In one header: a client has read one version, or a few."""


def etag(version: int) -> str:
    """The tag of a version; zero where nothing was written yet."""
    return f'"{version}"'


def version_to_replace(if_match: str | None, if_none_match: str | None = None) -> int | tuple[int, ...] | None:
    """The version that a write replaces, or several of which it may be any; None for whichever is there (`*`), zero for
    none (`If-None-Match: *`). Raises `VersionRequired`, or `InvalidRequest` for what is no tag of ours."""
    if if_none_match is not None and (if_none_match.strip() != "*" or if_match is not None):
        raise InvalidRequest(
            "if-none-match says only * here, to write what nobody has written yet, and stands alone",
            param="if-none-match",
        )
    if if_none_match is not None:
        return 0
    said = "" if if_match is None else if_match.strip()
    if not said:
        raise VersionRequired(
            "say which version this replaces: If-Match with the ETag that was read, or * for whichever is there",
            param="if-match",
        )
    return None if said == "*" else _versions(said)


def _versions(said: str) -> int | tuple[int, ...]:
    tags = re.findall(_TAG, said) if _TAGS.fullmatch(said) and not said.endswith(",") else []
    if not 1 <= len(tags) <= TAGS_MAX:
        raise InvalidRequest(
            'if-match must be an ETag of this document in its quotes, such as "7", several by commas, or *',
            param="if-match",
        )
    return int(tags[0]) if len(tags) == 1 else tuple(map(int, tags))
