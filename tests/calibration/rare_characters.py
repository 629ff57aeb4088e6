"""Writes `src/core/money/rare_characters.py` from a real vocabulary: `python -m tests.calibration.rare_characters`."""

from collections.abc import Iterator
from pathlib import Path

from tests.calibration import real_counts

PLACE = Path(__file__).parents[2] / "src/core/money/rare_characters.py"

GROUPS = {
    "RARE_LETTERS": (
        (0x100, 0x1FF), (0x380, 0x47F), (0x5C0, 0x6FF), (0x900, 0xD7F), (0xE00, 0xE7F), (0x10C0, 0x10FF),
        (0x1E80, 0x1EFF), (0x3040, 0x30FF),
    ),
    "RARE_HAN": ((0x4000, 0x9FFF),),
    "RARE_HANGUL": ((0xA000, 0xD7FF),),
}  # fmt: skip

_HEAD = '''"""The characters of alphabets, of Chinese, Japanese and Korean that are two tokens or three in o200k_base.

Texts of these languages hardly hold any, so each can be sized as what it costs, and no text is dearer for it. Each name
is the inside of a regular expression's class. Written by `tests/calibration/rare_characters.py`.
"""
'''
_RANGES_A_LINE = 9


def written() -> str:
    """The file as it should be."""
    return _HEAD + "".join(f"\n{name} = (\n{''.join(_lines(name))})\n" for name in GROUPS)


def _lines(name: str) -> Iterator[str]:
    ranges = list(_ranges(_rare(name)))
    for start in range(0, len(ranges), _RANGES_A_LINE):
        yield f'    "{"".join(map(_escaped, ranges[start : start + _RANGES_A_LINE]))}"\n'


def _rare(name: str) -> list[int]:
    codes = [code for first, last in GROUPS[name] for code in range(first, last + 1)]
    counts = real_counts.count([chr(code) for code in codes])["o200k_base"]
    return [code for code, tokens in zip(codes, counts, strict=True) if tokens > 1]


def _ranges(codes: list[int]) -> Iterator[tuple[int, int]]:
    first = last = codes[0]
    for code in codes[1:]:
        if code != last + 1:
            yield first, last
            first = code
        last = code
    yield first, last


def _escaped(ends: tuple[int, int]) -> str:
    first, last = ends
    return f"\\u{first:04x}" if first == last else f"\\u{first:04x}-\\u{last:04x}"


if __name__ == "__main__":
    PLACE.write_text(written())
