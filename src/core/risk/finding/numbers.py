"""Numbers that are somebody's: cards, telephones, social security. Matched by their shape, then judged by their digits.

A number counts only where it stands alone: not in a word, a hexadecimal run, a decimal, a version or a longer row of
numbers.
"""

import re

from .pattern import Span, pattern

_WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_\x01")
_DIGITS = frozenset(b"0123456789\x01")
_NO_DIGITS = bytes(code for code in range(256) if not 48 <= code <= 57)
_JOINTS = frozenset(b".-/:")
_POINT = ord(".")


def _is_apart(data: bytes, start: int, end: int) -> bool:
    """Whether a number stands in no word, and goes on neither before nor after by a joint and another digit."""
    if start:
        before = data[start - 1]
        if before in _WORD or before == _POINT or (before in _JOINTS and start > 1 and data[start - 2] in _DIGITS):
            return False
    after = data[end : end + 2]
    return not after or not (after[0] in _WORD or (after[0] in _JOINTS and len(after) > 1 and after[1] in _DIGITS))


_ROW_BEFORE = re.compile(rb"(?:\A|[\s,;|])([0-9]{1,9}(?:[.,][0-9]{1,4})?)[,;]? \Z")
_ROW_AFTER = re.compile(rb"[,;]? ([0-9]{1,9}(?:[.,][0-9]{1,4})?)(?:\Z|[\s,;|])")


def _is_in_a_row(data: bytes, start: int, end: int, *, of: int = 0) -> bool:
    """Whether a number in groups is but a few of a row of numbers, or of a row of so many digits each."""
    beside = (
        _ROW_BEFORE.search(data[max(0, start - 18) : start]) if start else None,
        _ROW_AFTER.match(data, end, end + 18),
    )
    return any(number is not None and (not of or len(number[1]) == of) for number in beside)


# Cards -------------------------------------------------------------------------------------------------------------

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def _is_card(digits: bytes) -> bool:
    return _is_of_an_issuer(digits) and _is_checked(digits)


def _is_of_an_issuer(digits: bytes) -> bool:
    """Length and first digits."""
    length, four = len(digits), int(digits[:4])
    two = four // 100
    if digits[0] == 52:  # Visa
        return length in (13, 16, 19)
    if 51 <= two <= 55 or 2221 <= four <= 2720:  # Mastercard
        return length == 16
    if two in (34, 37):  # American Express
        return length == 15
    if two in (36, 38, 39) or 3000 <= four <= 3059:  # Diners Club
        return length == 14
    if four == 6011 or two == 65 or 6440 <= four <= 6499 or 3528 <= four <= 3589:  # Discover, JCB
        return 16 <= length <= 19
    return two == 62 and 16 <= length <= 19  # UnionPay


def _is_checked(digits: bytes) -> bool:
    """Luhn's check digit."""
    return (
        sum(digits[-1::-2]) - 48 * len(digits[-1::-2]) + sum(_DOUBLED[digit - 48] for digit in digits[-2::-2])
    ) % 10 == 0


def _card(data: bytes, match: re.Match[bytes]) -> Span | None:
    start, end = match.span()
    return (start, end) if _is_card(data[start:end]) and _is_apart(data, start, end) else None


def _card_in_groups(data: bytes, match: re.Match[bytes]) -> Span | None:
    start, end = match.span()
    if not _is_card(data[start:end].translate(None, b" -")) or not _is_apart(data, start, end):
        return None
    return None if match["joint"] == b" " and _is_in_a_row(data, start, end, of=4) else (start, end)


CARD = (
    pattern(b"0000000000000", of=rb"00000000000000{0,7}", check=_card, is_of_shape=True),
    pattern(
        b"0000 0000 0000 0000",
        b"0000-0000-0000-0000",
        b"0000 000000 0000",
        b"0000-000000-0000",
        of=rb"0000(?P<joint>[ -])(?:0000(?P=joint)0000(?P=joint)0000(?:(?P=joint)000(?!0))?"
        rb"|000000(?P=joint)00000?)",
        check=_card_in_groups,
        is_of_shape=True,
    ),
)

# Telephones --------------------------------------------------------------------------------------------------------

_COUNTRY_CODE = re.compile(rb"(?:\+?1)[ .-]?\Z")
_LONE_LETTER_BEFORE = re.compile(rb"(?:\A|[^A-Za-z])[A-Za-z],? \Z")
_LONE_LETTER_AFTER = re.compile(rb",? ?[A-Za-z](?![A-Za-z])")


def _is_north_american(digits: bytes) -> bool:
    """Area and exchange begin with 2 to 9. Area 555 is what people write for any, so there every exchange will do;
    555-01xx is fiction."""
    area, exchange, line = digits[:3], digits[3:6], digits[6:]
    if area[0] < 50 or (exchange[0] < 50 and area != b"555"):
        return False
    return not (exchange == b"555" and line.startswith(b"01")) and len(set(digits)) > 2


def _grouped(data: bytes, match: re.Match[bytes]) -> Span | None:
    start, end = match.span()
    if not _is_north_american(data[start:end].translate(None, b" .-")):
        return None
    code = _COUNTRY_CODE.search(data[max(0, start - 3) : start])
    if code:
        start -= len(code.group())
    elif match["joint"] == b" " and (_is_in_a_row(data, start, end) or _is_coordinate(data, start, end)):
        return None
    return (start, end) if _is_apart(data, start, end) else None


def _is_coordinate(data: bytes, start: int, end: int) -> bool:
    """Whether a letter by itself stands before or after, as in the path of a drawing."""
    before = _LONE_LETTER_BEFORE.search(data[max(0, start - 4) : start])
    return before is not None or _LONE_LETTER_AFTER.match(data, end, end + 4) is not None


def _bracketed(data: bytes, match: re.Match[bytes]) -> Span | None:
    start, end = match.span()
    if not _is_north_american(data[start:end].translate(None, _NO_DIGITS)):
        return None
    code = _COUNTRY_CODE.search(data[max(0, start - 3) : start])
    start -= len(code.group()) if code else 0
    return (start, end) if _is_apart(data, start, end) else None


_PARTS = re.compile(rb"[ .()-]{1,3}")
_DATE = re.compile(rb"\+20[0-9]{6}")


def _international(data: bytes, match: re.Match[bytes]) -> Span | None:
    start, end = match.span()
    number = data[start:end]
    digits = number.translate(None, _NO_DIGITS)
    if digits[0] == 48 or not _is_apart(data, start, end) or data[max(0, start - 1) : start] in _GLUE:
        return None
    if digits[0] == 49:
        return (start, end) if len(digits) == 11 and _is_north_american(digits[1:]) else None
    joints = _PARTS.findall(number)
    is_decimal = joints == [b"."] or (b"." in joints and b"-" in joints)
    return None if is_decimal or _DATE.fullmatch(number) or len(set(digits)) <= 2 else (start, end)


_GLUE = frozenset((b")", b"]", b"+", b"/", b"}"))

PHONE = (
    pattern(b"+0", of=rb"\+0(?:[ .()-]{0,2}0){7,14}", check=_international, is_of_shape=True),
    pattern(b"(000)", of=rb"\(000\)[ .-]{0,2}000[ .-]?0000", check=_bracketed, is_of_shape=True),
    pattern(
        b"000-000-0000",
        b"000.000.0000",
        b"000 000 0000",
        of=rb"000(?P<joint>[ .-])000(?P=joint)0000",
        check=_grouped,
        is_of_shape=True,
    ),
)

# Social security ---------------------------------------------------------------------------------------------------

_KNOWN = frozenset((b"078051120", b"219099999"))
"""Numbers that advertisements made known, and that nobody has."""


def _is_social_security(digits: bytes) -> bool:
    area = digits[:3]
    return (
        area not in (b"000", b"666")
        and area[0] != 57
        and digits[3:5] != b"00"
        and digits[5:] != b"0000"
        and digits not in _KNOWN
    )


def _parted(data: bytes, match: re.Match[bytes]) -> Span | None:
    start, end = match.span()
    if not _is_social_security(data[start:end].translate(None, b" -")) or not _is_apart(data, start, end):
        return None
    return None if match["joint"] == b" " and _is_in_a_row(data, start, end) else (start, end)


def _named(data: bytes, match: re.Match[bytes]) -> Span | None:
    start, end = match.span(1)
    return (start, end) if _is_social_security(data[start:end]) and _is_apart(data, start, end) else None


SSN = (
    pattern(b"000-00-0000", b"000 00 0000", of=rb"000(?P<joint>[ -])00(?P=joint)0000", check=_parted, is_of_shape=True),
    pattern(
        b"ssn",
        b"social sec",
        b"social_sec",
        of=rb"s(?:sn|ocial[ _]sec)[^0\x01]{0,40}(000000000)",
        check=_named,
        is_of_shape=True,
    ),
)
"""Nine digits in a row are a number of anything: nine of ten pass every rule there is. They count where they are called
by name."""
