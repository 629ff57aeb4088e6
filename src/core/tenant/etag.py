"""A document's version as HTTP names it: `ETag` in answers, `If-Match` in writes (RFC 9110, sections 8.8.3 and 13.1.1).

A weak tag counts like a strong one: Cloudflare weakens the tag of an answer that it compresses on the way out, and a
client sends back what it got.
"""

import re

from core.refusals import InvalidRequest, VersionRequired

_TAG = re.compile(r'(?:W/)?"([0-9]{1,15})"')


def etag(version: int) -> str:
    """The tag of a version; zero where nothing was written yet."""
    return f'"{version}"'


def version_to_replace(if_match: str | None) -> int | None:
    """The version that a write replaces; None for whichever is there (`*`). Raises `VersionRequired`, or
    `InvalidRequest` for what is no tag of ours."""
    if if_match is None or not if_match.strip():
        raise VersionRequired(
            "say which version this replaces: If-Match with the ETag that was read, or * for whichever is there",
            param="if-match",
        )
    if if_match.strip() == "*":
        return None
    tag = _TAG.fullmatch(if_match.strip())
    if tag is None:
        raise InvalidRequest('if-match must be one ETag of this document, such as "7", or *', param="if-match")
    return int(tag.group(1))
