"""Keys of Azure, told by the mark that they carry in their middle or, where they are older, by what they are called."""

import re

from .pattern import Check, Span, long_word, pattern

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_BASE64 = _LETTERS + b"+/"
_BASE64URL = _LETTERS + b"_-"
_ENTRA = _LETTERS + b"_.~-"

_EMULATOR = b"Eby8vdM02xNOcqFlqUwJPLlm"
"""How the one key begins that the storage emulator has on every machine."""


def _after(count: int, alphabet: bytes) -> Check:
    """What matched is the end of a key: so many characters of its alphabet stand before, and then something else."""
    glue = alphabet + b"=_\x01"

    def check(data: bytes, match: re.Match[bytes]) -> Span | None:
        start, end = match.start() - count, match.end()
        if start < 0 or data[start : match.start()].strip(alphabet):
            return None
        before, after = data[max(0, start - 1) : start], data[end : end + 1]
        return None if (before and before in glue) or (after and after in glue) else (start, end)

    return check


def _named_key(data: bytes, match: re.Match[bytes]) -> Span | None:
    start, end = match.span(1)
    return None if data.startswith(_EMULATOR, start) else (start, end)


AZURE = (
    long_word(
        b"APIM",
        b"ACDb",
        b"+A",
        of=rb"(?:APIM|ACDb|\+(?:ABa|AMC|ASt))[A-Za-z0-9+/]{5}[AQgw]==",
        check=_after(76, _BASE64),
    ),
    long_word(b"AIoT", b"+A", of=rb"(?:AIoT|\+(?:ASb|AEh|ARm))[A-P][A-Za-z0-9+/]{5}=", check=_after(33, _BASE64)),
    long_word(b"+ACR", of=rb"\+ACR[A-D][A-Za-z0-9+/]{5}", check=_after(42, _BASE64)),
    long_word(b"AzFu", of=rb"AzFu[A-Za-z0-9_-]{5}[AQgw]==", check=_after(44, _BASE64URL)),
    long_word(b"AzSe", of=rb"AzSe[A-D][A-Za-z0-9]{5}", check=_after(42, _LETTERS)),
    long_word(b"AzCa", of=rb"AzCa[A-P][A-Za-z0-9]{5}=", check=_after(33, _LETTERS)),
    long_word(b"JQQJ", of=rb"JQQJ[A-Za-z0-9]{28}", check=_after(52, _LETTERS)),
    long_word(b"7Q~", of=rb"7Q~[A-Za-z0-9_.~-]{31}", check=_after(3, _ENTRA)),
    long_word(b"8Q~", of=rb"8Q~[A-Za-z0-9_.~-]{34}", check=_after(3, _ENTRA)),
    pattern(
        b"accountkey",
        b"accesskey",
        of=rb"(?:account|sharedaccess)key[\"']?[ \t]{0,3}[=:\n][ \t\n\"']{0,3}"
        rb"([a-z0+/]{86}==|[a-z0+/]{43}=)(?![a-z0+/=_\x01])",
        check=_named_key,
        is_of_shape=True,
    ),
)
