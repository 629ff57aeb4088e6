"""Secrets that are one word, told by a prefix that their issuer gives them: AWS, Stripe, GitHub, JWT, Slack."""

import binascii
import re

from .pattern import Span, is_random, long_word, pattern, stands_alone

# AWS ---------------------------------------------------------------------------------------------------------------


def _access_key(data: bytes, match: re.Match[bytes]) -> Span | None:
    """The documentation's own keys say EXAMPLE."""
    key = match.group()
    is_key = not key.endswith(b"EXAMPLE") and is_random(key[4:], 6)
    return match.span() if is_key and stands_alone(data, *match.span(), glue=b"+") else None


def _secret_key(data: bytes, match: re.Match[bytes]) -> Span | None:
    start, end = match.span(1)
    key = data[start:end]
    return (start, end) if b"EXAMPLE" not in key and is_random(key, 8) else None


def _random(data: bytes, match: re.Match[bytes]) -> Span | None:
    return match.span() if is_random(match[1], 8) else None


AWS = (
    long_word(b"AKIA", b"ASIA", of=rb"A[KS]IA[A-Z2-7]{16}", check=_access_key),
    pattern(
        b"secret_access_key",
        b"secretaccesskey",
        of=rb"secret_?access_?key[\"']?[ \t]{0,3}[=:\n,>][ \t\n\"']{0,3}([a-z0+/]{40})(?![a-z0+/=_\x01])",
        check=_secret_key,
        is_of_shape=True,
    ),
    long_word(
        b"ABSK",
        of=rb"ABSK(?<![A-Za-z0-9+/=_\x01].{4})([A-Za-z0-9+/]{109,269}={0,2})(?![A-Za-z0-9+/=_\x01])",
        check=_random,
    ),
    long_word(
        b"bedrock-api-key-",
        of=rb"bedrock-api-key-(?<![A-Za-z0-9+/_\x01-].{16})([A-Za-z0-9+/_-]{40,4000}={0,2})(?![A-Za-z0-9+/=_\x01-])",
        check=_random,
    ),
)
"""Access keys of users and of sessions, the secret that belongs to one where it is called so, and the keys of Bedrock.
Identifiers with any other prefix (AIDA, AROA, ABIA, ACCA and their kin) open nothing by themselves."""

# Stripe ------------------------------------------------------------------------------------------------------------

STRIPE = (
    long_word(
        b"k_live_",
        b"k_test_",
        of=rb"k_(?:live|test)_(?<=[rs].{7})(?<![A-Za-z0-9_\x01].{8})[A-Za-z0-9]{16,255}(?![A-Za-z0-9_\x01])",
        check=lambda data, match: (match.start() - 1, match.end()),
    ),
    long_word(
        b"sk_org_",
        of=rb"sk_org_(?<![A-Za-z0-9_\x01].{7})(?:live_|test_)?[A-Za-z0-9]{16,255}(?![A-Za-z0-9_\x01])",
    ),
    long_word(b"whsec_", of=rb"whsec_(?<![A-Za-z0-9_\x01].{6})[A-Za-z0-9+/]{32,64}={0,2}(?![A-Za-z0-9_+/=\x01])"),
)
"""Secret and restricted keys and those that sign webhooks. Publishable keys (pk_) are public."""

# GitHub ------------------------------------------------------------------------------------------------------------

GITHUB = (
    long_word(
        b"ghp_",
        b"gho_",
        b"ghu_",
        b"ghs_",
        b"ghr_",
        of=rb"gh[pousr]_(?<![A-Za-z0-9_\x01].{4})"
        rb"(?:[A-Za-z0-9]{36,255}(?![A-Za-z0-9_\x01])"
        rb"|[0-9]{1,20}_eyJ[A-Za-z0-9_-]{8,1000}\.[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{16,1000}(?![A-Za-z0-9_\x01-]))",
    ),
    long_word(
        b"github_pat_",
        of=rb"github_pat_(?<![A-Za-z0-9_\x01].{11})[A-Za-z0-9]{22}_[A-Za-z0-9]{59}(?![A-Za-z0-9_\x01])",
    ),
)
"""Forty characters; since April 2026 also `ghs_`, an app's id and a JWT, which is then no JWT by itself."""

# JWT ---------------------------------------------------------------------------------------------------------------

_BASE64URL = bytes.maketrans(b"-_", b"+/")
_ALG = re.compile(rb'"alg"[ \t\r\n]{0,8}:[ \t\r\n]{0,8}"[A-Za-z0-9+._-]{1,40}"')
_SIGNATURE_MIN = 16


def _web_token(data: bytes, match: re.Match[bytes]) -> Span | None:
    """Signed: header, payload, signature. Encrypted: five parts, the second of which may be empty. The header is looked
    at and not parsed: what it holds a stranger wrote."""
    parts = match.group().split(b".")
    header = _decoded(parts[0])
    if not header.endswith(b"}") or not _ALG.search(header):
        return None
    if b'"enc"' in header:
        parts = parts[:5]
        is_token = len(parts) == 5 and len(parts[3]) >= _SIGNATURE_MIN and is_random(parts[3] + parts[4], 8)
    else:
        parts = parts[:3]
        is_token = len(parts[1]) > 1 and len(parts[2]) >= _SIGNATURE_MIN and is_random(parts[2], 8)
    return (match.start(), match.start() + len(b".".join(parts))) if is_token else None


def _decoded(part: bytes) -> bytes:
    if len(part) % 4 == 1:
        return b""
    return binascii.a2b_base64(part.translate(_BASE64URL) + b"=" * (-len(part) % 4)).strip()


JWT = (
    long_word(
        b"eyJ",
        of=rb"eyJ(?<![A-Za-z0-9_.\x01-].{3})[A-Za-z0-9_-]{12,4000}(?:\.[A-Za-z0-9_-]{0,16000}){2,4}(?![A-Za-z0-9_\x01-])",
        check=_web_token,
    ),
)

# Slack -------------------------------------------------------------------------------------------------------------

SLACK = (
    long_word(
        b"xox",
        of=rb"xox(?<![A-Za-z0-9_\x01].{3})(?:"
        rb"b-[0-9]{9,14}-(?:[0-9]{9,14}-)?[A-Za-z0-9]{18,34}"
        rb"|p-(?:[0-9]{9,14}-){3}[A-Za-z0-9]{28,34}"
        rb"|c-(?:[0-9]{9,14}-){3}[0-9a-f]{64}"
        rb"|d-[A-Za-z0-9%/+=]{40,400}"
        rb"|[aors]-(?:[0-9]{1,2}-)?[0-9]{9,14}-(?:[0-9]{9,14}-){0,2}[A-Za-z0-9]{10,64}"
        rb"|e(?:\.xox[bp])?-1-[A-Za-z0-9]{60,400}"
        rb")(?![A-Za-z0-9_\x01])",
    ),
    long_word(
        b"xapp-1-",
        of=rb"xapp-1-(?<![A-Za-z0-9_\x01].{7})[A-Z0-9]{8,14}-[0-9]{9,16}-[a-f0-9]{64}(?![A-Za-z0-9_\x01])",
    ),
    long_word(
        b"hooks.slack.com/",
        of=rb"hooks\.slack\.com/(?:services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{20,28}"
        rb"|(?:workflows|triggers)/[A-Z0-9]{8,14}/[A-Za-z0-9]{8,24}/[A-Za-z0-9/]{16,60})(?![A-Za-z0-9_\x01])",
    ),
)
