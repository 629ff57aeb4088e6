"""Secrets that are more than a word: private keys in their armour, and what opens a database."""

import re

from .pattern import OWNED, Span, long_word, pattern

# Private keys ------------------------------------------------------------------------------------------------------

KEY_BASE64_MIN = 64
"""Of base64 after the header. The header alone is code or prose."""

_KEY_CHARACTERS_MAX = 16_384
"""Of a key with its armour. RSA with 16,384 bits has 12,700."""

_LITERAL_BREAK = re.compile(rb"\\[nrt]")
_BODY = re.compile(
    rb"[\s\"',\\|>]{0,60}(?:[A-Z][A-Za-z-]{2,30}:[^\n]{0,120}\n\s{0,20}){0,6}"
    rb"((?:[A-Za-z0-9+/]{16,}={0,2}[\s\"',\\|>]{0,60}){1,400}(?:[A-Za-z0-9+/]{1,15}={0,2}(?![A-Za-z0-9+/=:-]))?)"
)
_BETWEEN = rb"[\s\"',\\|>]"
_END = re.compile(
    _BETWEEN + rb"{0,60}(?:=[A-Za-z0-9+/]{4}" + _BETWEEN + rb"{1,60})?-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY"
    rb"(?: BLOCK)? ?-{4,5}"
)
_BLANKS = b" \t\r\n\f\v\"',\\|>"


def _armoured(data: bytes, match: re.Match[bytes]) -> Span | None:
    """The end may be missing, where a text was cut; it is looked for where the body ends and nowhere else."""
    end = _body_end(data, match.end())
    return None if end is None else (match.start(), end)


def _body_end(data: bytes, start: int) -> int | None:
    next_key = data.find(b"BEGIN ", start, start + _KEY_CHARACTERS_MAX)
    window = _LITERAL_BREAK.sub(b"  ", data[start : start + _KEY_CHARACTERS_MAX if next_key < 0 else next_key])
    body = _BODY.match(window)
    if body is None or len(body[1].translate(None, _BLANKS + b"=")) < KEY_BASE64_MIN:
        return None
    end = _END.match(window, body.end())
    return start + (end.end() if end else body.start(1) + len(body[1].rstrip(_BLANKS)))


_PUTTY_LINES = re.compile(rb"Private-Lines: {0,4}[0-9]{1,4}")


def _putty(data: bytes, match: re.Match[bytes]) -> Span | None:
    """Its public half stands first, and its private half is headed by the number of its lines."""
    limit = match.end() + _KEY_CHARACTERS_MAX
    next_key = data.find(b"PuTTY-User-Key", match.end(), limit)
    lines = _PUTTY_LINES.search(data, match.end(), limit if next_key < 0 else next_key)
    if lines is None or OWNED in data[match.end() : lines.start()]:
        return None
    end = _body_end(data, lines.end())
    return None if end is None else (match.start(), end)


SSH_KEY = (
    pattern(
        b"PRIVATE KEY",
        of=rb"----(?:-BEGIN (?:(?:RSA|DSA|EC|OPENSSH|ENCRYPTED|PGP|ANY|SSH2 ENCRYPTED) )?PRIVATE KEY(?: BLOCK)?-----"
        rb"| BEGIN SSH2 ENCRYPTED P" + rb"RIVATE KEY ----)",
        check=_armoured,
    ),
    long_word(b"PuTTY-User-Key-File-", of=rb"PuTTY-User-Key-File-[23]:", check=_putty),
)

# Databases ---------------------------------------------------------------------------------------------------------

_SCHEME = re.compile(
    rb"(?:\A|[^A-Za-z0-9+._\x01-])((?:jdbc:)?(?:postgres|postgresql|postgis|cockroachdb|mysql|mariadb|mongodb|rediss?|valkeys?"
    rb"|amqps?|mssql|sqlserver|clickhouses?|oracle|db2|snowflake|redshift)(?:\+[a-z0-9_]{1,20})?)\Z",
    re.IGNORECASE,
)
_SCHEME_CHARACTERS_MAX = 48

_PLACEHOLDER = re.compile(
    rb"[\[{<$].{0,256}|%(?:[sdv({%].{0,256})?|(.)\1{0,255}|.{0,64}\.\.\.|\W{0,8}"
    rb"(?:(?:your|my|the|db|database|user)?[_-]?(?:password|passwd|passwort|passphrase|pass|pwd|pw)(?:[_-]?here)?"
    rb"|your[_-].{0,64}|change[_-]?me|redacted|hidden|masked|placeholder)\W{0,8}",
    re.IGNORECASE | re.DOTALL,
)
"""What stands where a password belongs and is none."""


def _is_password(value: bytes) -> bool:
    return bool(value) and OWNED not in value and not _PLACEHOLDER.fullmatch(value)


def _address(data: bytes, match: re.Match[bytes]) -> Span | None:
    """Scheme, user and password, and the first host; the rest of the address is harmless."""
    if not _is_password(match[1]):
        return None
    first = max(0, match.start() - _SCHEME_CHARACTERS_MAX)
    scheme = _SCHEME.search(data[first : match.start()])
    return (first + scheme.start(1), match.end()) if scheme else None


_SERVER = (b"server=", b"data source=", b"host=", b"addr=", b"address=", b"jdbc:")
_SETTING_WINDOW = 400


def _setting(data: bytes, match: re.Match[bytes]) -> Span | None:
    """A password among settings of which one names the server, all in one line."""
    start, end = match.span(1)
    if not _is_password(data[start:end]):
        return None
    before = data[max(0, match.start() - _SETTING_WINDOW) : match.start()].lower()
    before = before[max(before.rfind(b"\n"), before.rfind(OWNED)) + 1 :]
    if _names_a_server(before):
        return start, end
    after = _LINE.match(data, end, end + _SETTING_WINDOW)
    return (start, end) if after and b";" in after.group() and _names_a_server(after.group().lower()) else None


def _names_a_server(settings: bytes) -> bool:
    return any(name in settings for name in _SERVER)


_LINE = re.compile(rb"[^\n\x01]{0,400}")

DB_CONNECTION = (
    pattern(
        b"://",
        of=rb"://[^\s:/?#@\"'<>`\x01]{0,128}:([^\s/?#\"'<>`\x01]{1,256})@(?:[A-Za-z0-9][A-Za-z0-9._-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])",
        check=_address,
    ),
    pattern(
        b"password=",
        b"pwd=",
        of=rb"p(?:assword|wd)=[\"']?([^\s;&\"'<>,\\\x01]{1,128})",
        check=_setting,
        is_of_shape=True,
    ),
)
