"""Texts to measure the token estimate on: own prose and code, and generators with fixed seeds, cut into samples.

Each class of text gives many samples of 40 to 4,000 characters. Prose and code are cut at random places and, for the
longer samples, joined in random order, so that a sample is ordinary text and no two are the same.
"""

import base64
import json
import random
import string
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

SAMPLES_PER_CLASS = 40

_SIZES = (40, 120, 300, 800, 2_000, 4_000)
_CORPUS = Path(__file__).parent / "corpus"

Generator = Callable[[random.Random, int], str]


@cache
def samples() -> tuple[tuple[str, str], ...]:
    """Pairs of class and text; the same on every machine and every run. The weights were fitted without `unseen_*`."""
    return tuple(_generate())


def _generate() -> Iterator[tuple[str, str]]:
    unseen = {f"unseen_{name}": texts for name, texts in _sections("unseen.txt").items()}
    written = {**_sections("prose.txt"), **_sections("code.txt"), **unseen}
    for name, passages in written.items():
        choose = random.Random(name)
        for index in range(SAMPLES_PER_CLASS):
            yield name, _cut(choose, passages, _SIZES[index % len(_SIZES)])
    for name, generate in _GENERATED.items():
        choose = random.Random(name)
        for index in range(SAMPLES_PER_CLASS):
            size = _SIZES[index % len(_SIZES)]
            yield name, generate(choose, size)[:size]


@cache
def _sections(file_name: str) -> dict[str, list[str]]:
    """A corpus file's `@@ name` sections: prose by paragraph, code whole."""
    is_prose = file_name != "code.txt"
    sections: dict[str, list[str]] = {}
    for block in ("\n" + (_CORPUS / file_name).read_text(encoding="utf-8")).split("\n@@ ")[1:]:
        name, _, text = block.partition("\n")
        sections[name] = text.strip().split("\n") if is_prose else [text]
    return sections


def _cut(choose: random.Random, passages: list[str], size: int) -> str:
    parts = [choose.choice(passages)]
    while sum(map(len, parts)) < size + 1:
        parts.append(choose.choice(passages))
    text = "\n".join(parts)
    start = choose.randrange(len(text) - size)
    return text[start : start + size]


def _words(choose: random.Random, count: int) -> list[str]:
    return choose.choices(_english_words(), k=count)


@cache
def _english_words() -> list[str]:
    return [word for text in _sections("prose.txt")["english"] for word in text.split()]


def _record(choose: random.Random) -> dict[str, object]:
    return {
        "id": choose.randrange(10**9),
        "sku": f"{choose.choice('ABCX')}-{choose.randrange(10**4):04d}",
        "title": " ".join(_words(choose, 4)),
        "price": round(choose.uniform(1, 900), 2),
        "tags": _words(choose, 2),
        "isActive": choose.random() < 0.5,
        "createdAt": f"2026-{choose.randrange(1, 13):02d}-{choose.randrange(1, 29):02d}T08:15:00Z",
        "parent": None,
    }


def _records(choose: random.Random, size: int) -> list[dict[str, object]]:
    return [_record(choose) for _ in range(size // 120 + 1)]


def _csv(choose: random.Random, size: int) -> str:
    rows = [",".join(str(value) for value in _record(choose).values()) for _ in range(size // 60 + 1)]
    return "\n".join(rows)


def _random_bytes_as_text(choose: random.Random, size: int) -> str:
    return choose.randbytes(size).decode("utf-8", "replace")


def _of(alphabet: str) -> Generator:
    return lambda choose, size: "".join(choose.choices(alphabet, k=size))


def _spaced(alphabet: str, low: int, high: int) -> Generator:
    def generate(choose: random.Random, size: int) -> str:
        words = ["".join(choose.choices(alphabet, k=choose.randint(low, high))) for _ in range(size // low + 1)]
        return " ".join(words)

    return generate


def _repeated(choose: random.Random, size: int) -> str:
    return choose.choice("aAzxQ09=-_.*#~/ \n\té中") * size


def _repeated_unit(choose: random.Random, size: int) -> str:
    unit = "".join(choose.choices(string.printable[:94], k=choose.randint(2, 6)))
    return unit * (size // len(unit) + 1)


def _whitespace(choose: random.Random, size: int) -> str:
    runs = [choose.choice(" \n\t") * choose.randint(1, 40) for _ in range(size)]
    return "".join(runs)


def _indented(choose: random.Random, size: int) -> str:
    return "\n".join(" " * choose.randrange(0, 40, 2) + " ".join(_words(choose, 3)) for _ in range(size // 20 + 1))


def _identifiers(choose: random.Random, size: int) -> str:
    words = [word.strip(".,:;\"'()!?").capitalize() or "X" for word in _words(choose, size // 3 + 3)]
    styles: list[Callable[[list[str]], str]] = [
        "".join,
        lambda parts: "_".join(parts).lower(),
        lambda parts: "_".join(parts).upper(),
        lambda parts: "-".join(parts).lower(),
    ]
    return " ".join(choose.choice(styles)(words[at : at + choose.randint(2, 4)]) for at in range(0, len(words), 3))


def _urls(choose: random.Random, size: int) -> str:
    def url() -> str:
        path = "/".join(word.strip(".,:;\"'()!?").lower() for word in _words(choose, 3))
        return f"https://www.example-{choose.randrange(99)}.com/{path}?id={choose.randrange(10**6)}&ref={choose.getrandbits(40):x}"

    return "\n".join(url() for _ in range(size // 50 + 1))


def _emoji(choose: random.Random, size: int) -> str:
    ranges = [
        (0x1F300, 0x1F5FF),
        (0x1F600, 0x1F64F),
        (0x1F680, 0x1F6C5),
        (0x1F90D, 0x1F9FF),
        (0x2600, 0x26FF),
    ]
    return "".join(chr(choose.randint(*choose.choice(ranges))) for _ in range(size))


def _emoji_chat(choose: random.Random, size: int) -> str:
    faces = ["😀", "😂🤣", "👍🏽", "❤️", "🎉🎉", "👩‍💻", "🇩🇪", "🤷‍♀️", "🔥", "✅"]
    return " ".join(f"{' '.join(_words(choose, 3))} {choose.choice(faces)}" for _ in range(size // 15 + 1))


def _any_plane(choose: random.Random, size: int) -> str:
    return "".join(
        chr(choose.choice([choose.randrange(0xA0, 0xD7FF), choose.randrange(0x10000, 0x2FFFF)])) for _ in range(size)
    )


def _upper(choose: random.Random, size: int) -> str:
    return " ".join(_words(choose, size // 3)).upper()


def _vectors(choose: random.Random, size: int) -> str:
    return "[" + ", ".join(f"{choose.uniform(-1, 1):.{choose.choice([4, 8, 16])}f}" for _ in range(size // 8 + 1)) + "]"


def _tool_calls(choose: random.Random, size: int) -> str:
    calls = [
        {
            "id": f"call_{choose.getrandbits(96):x}",
            "type": "function",
            "function": {"name": "search_orders", "arguments": json.dumps(_record(choose))},
        }
        for _ in range(size // 300 + 1)
    ]
    return json.dumps(calls)


def _tool_schemas(choose: random.Random, size: int) -> str:
    tools = [
        {
            "type": "function",
            "function": {
                "name": "_".join(word.strip(".,").lower() for word in _words(choose, 2)),
                "description": " ".join(_words(choose, 18)),
                "parameters": {
                    "type": "object",
                    "properties": {
                        word.strip(".,").lower(): {
                            "type": choose.choice(["string", "integer"]),
                            "description": " ".join(_words(choose, 7)),
                        }
                        for word in _words(choose, 4)
                    },
                    "required": [],
                    "additionalProperties": False,
                },
            },
        }
        for _ in range(size // 500 + 1)
    ]
    return json.dumps(tools)


def _history(choose: random.Random, size: int) -> str:
    """An agent's: what was said, what was called, and what came back."""
    code = _sections("code.txt")
    turns: list[dict[str, object]] = []
    for _ in range(size // 600 + 1):
        call = f"call_{choose.getrandbits(96):x}"
        arguments = {"path": f"src/{choose.choice(_words(choose, 9))}.py", "limit": choose.randrange(200)}
        function = {"name": "read_file", "arguments": json.dumps(arguments)}
        passage = choose.choice(code[choose.choice(sorted(code))])
        start = choose.randrange(max(1, len(passage) - 300))
        turns += [
            {"role": "user", "content": " ".join(_words(choose, 20))},
            {"role": "assistant", "tool_calls": [{"id": call, "type": "function", "function": function}]},
            {"role": "tool", "tool_call_id": call, "content": passage[start : start + 300]},
        ]
    return json.dumps({"model": "gpt-4o", "messages": turns})


def _mixed(choose: random.Random, size: int) -> str:
    """Function words of English between strings that are no words: what a discount for English must survive."""
    small = ["the", "of", "and", "to", "in", "is", "a"]
    noise = _spaced(string.ascii_lowercase, 3, 9)(choose, size).split()
    return " ".join(word for pair in zip(choose.choices(small, k=len(noise)), noise, strict=True) for word in pair)


def _interleaved(choose: random.Random, size: int) -> str:
    sections = _sections("prose.txt")
    other = [word for name in ("swahili", "finnish", "polish") for text in sections[name] for word in text.split()]
    pairs = zip(_words(choose, size), choose.choices(other, k=size), strict=True)
    return " ".join(word for pair in pairs for word in pair)


def _chat_body(choose: random.Random, size: int) -> str:
    turns = [
        {
            "role": choose.choice(["user", "assistant"]),
            "content": " ".join(_words(choose, choose.randint(1, 60))),
        }
        for _ in range(size // 80 + 1)
    ]
    return json.dumps({"model": "gpt-4o-mini", "messages": turns, "temperature": 0.2, "stream": True})


def _stamps(choose: random.Random, size: int) -> str:
    def line() -> str:
        address = ".".join(str(choose.randrange(256)) for _ in range(4))
        return f"2026-{choose.randint(1, 12):02d}-{choose.randint(1, 28):02d}T{choose.randrange(24):02d}:{choose.randrange(60):02d}:07.{choose.randrange(1000):03d}Z {address} +49 {choose.randrange(10**9)}"

    return "\n".join(line() for _ in range(size // 40 + 1))


def _drawing(choose: random.Random, size: int) -> str:
    return "".join(choose.choice("┌─┐│└┘├┤┬┴┼═║╔╗╚╝█▓▒░ \n") * choose.randint(1, 6) for _ in range(size))


def _combining(choose: random.Random, size: int) -> str:
    return "".join(
        letter + "".join(chr(choose.randint(0x300, 0x36F)) for _ in range(choose.randrange(5)))
        for letter in " ".join(_words(choose, size // 4 + 1))
    )


def _block(first: int, last: int) -> Generator:
    return lambda choose, size: "".join(
        " " if choose.random() < 0.15 else chr(choose.randint(first, last)) for _ in range(size)
    )


_GENERATED: dict[str, Generator] = {
    "json_compact": lambda choose, size: json.dumps(_records(choose, size), separators=(",", ":")),
    "json_pretty": lambda choose, size: json.dumps(_records(choose, size), indent=2),
    "tool_calls": _tool_calls,
    "tool_schemas": _tool_schemas,
    "history": _history,
    "csv": _csv,
    "base64": lambda choose, size: base64.b64encode(choose.randbytes(size)).decode(),
    "base64url": lambda choose, size: base64.urlsafe_b64encode(choose.randbytes(size)).decode(),
    "hex": lambda choose, size: choose.randbytes(size).hex(),
    "hex_upper": lambda choose, size: choose.randbytes(size).hex().upper(),
    "uuids": lambda choose, size: "\n".join(str(uuid.UUID(int=choose.getrandbits(128))) for _ in range(size // 37 + 1)),
    "digits": _of(string.digits),
    "numbers": lambda choose, size: " ".join(str(choose.randrange(10 ** choose.randint(1, 12))) for _ in range(size)),
    "vectors": _vectors,
    "words_shuffled": lambda choose, size: " ".join(_words(choose, size // 3 + 3)),
    "words_upper": _upper,
    "identifiers": _identifiers,
    "urls": _urls,
    "indented": _indented,
    "whitespace": _whitespace,
    "repeated": _repeated,
    "repeated_unit": _repeated_unit,
    "lower_random": _of(string.ascii_lowercase),
    "upper_random": _of(string.ascii_uppercase),
    "letters_random": _of(string.ascii_letters),
    "alphanumeric_random": _of(string.ascii_letters + string.digits),
    "words_random": _spaced(string.ascii_lowercase, 2, 10),
    "ascii_random": _of(string.printable[:94] + " "),
    "punctuation": _of(string.punctuation),
    "bytes_as_text": _random_bytes_as_text,
    "emoji": _emoji,
    "emoji_chat": _emoji_chat,
    "unicode_random": _any_plane,
    "han_random": lambda choose, size: "".join(chr(choose.randint(0x4E00, 0x9FFF)) for _ in range(size)),
    "hangul_random": lambda choose, size: "".join(chr(choose.randint(0xAC00, 0xD7A3)) for _ in range(size)),
    "arabic_random": lambda choose, size: "".join(chr(choose.randint(0x0620, 0x064A)) for _ in range(size)),
    "mixed": _mixed,
    "interleaved": _interleaved,
    "chat_body": _chat_body,
    "stamps": _stamps,
    "drawing": _drawing,
    "combining": _combining,
    "dna": _of("ACGT"),
    "mathematics": _block(0x2200, 0x22FF),
    "armenian": _block(0x0561, 0x0586),
    "telugu": _block(0x0C05, 0x0C4C),
    "sinhala": _block(0x0D85, 0x0DC6),
    "lao": _block(0x0E81, 0x0EB0),
    "tibetan": _block(0x0F40, 0x0F69),
    "ethiopic": _block(0x1200, 0x1248),
    "khmer": _block(0x1780, 0x17B3),
    "private_use": _block(0xE000, 0xF8FF),
    "control": lambda choose, size: "".join(chr(choose.randrange(32)) for _ in range(size)),
}

_DRAWN_EVENLY: dict[str, tuple[int, int]] = {
    "latin_extended": (0x100, 0x24F), "vietnamese_letters": (0x1EA0, 0x1EF9), "greek_letters": (0x391, 0x3C9),
    "cyrillic_letters": (0x410, 0x44F), "hebrew_letters": (0x5D0, 0x5EA), "devanagari_letters": (0x905, 0x94D),
    "tamil_letters": (0xB85, 0xBCD), "thai_letters": (0xE01, 0xE4E), "georgian_letters": (0x10D0, 0x10F0),
    "kana_letters": (0x3041, 0x30FA), "han_extension_a": (0x3400, 0x4DB5), "yi": (0xA000, 0xA48C),
    "han_extension_b": (0x20000, 0x2A6D6), "symbols": (0x2300, 0x23FF), "braille": (0x2800, 0x28FF),
}  # fmt: skip

_SOUGHT: dict[str, list[str]] = {
    "sought_blanks": [" ", "\n", "\t", "\r"],
    "sought_double_blanks": ["  ", "  V", " of ", " a", "  Û"],
    "sought_lines": ["j\n", "7\n", "Ø\n", "\n"],
    "sought_digits": [" 1", " 7", "3 ", "\t5"],
    "sought_consonants": ["qzj", "xkv", "wq", "u", "e"],
    "sought_syllables": ["dih", "xyr", "amw", "oqk", " of ", " a"],
    "sought_vowels": list("aeiouy"),
    "sought_capitals": ["UH", "UHC", "U", "UT"],
    "sought_humps": ["hI", "Y", "er", "hI"],
    "sought_marks": ["Û", "ǝ", "Ë\t"],
    "sought_arabic": ["دؾ", "رؽ", "ها", "وػ"],
    "sought_cyrillic": [" С ", "Ъ ", "а Ь", "сЖЩ"],
    "sought_thai": ["า", "่ฃ", "ซ๋", " ซ"],
    "sought_kana": ["バょ", "ゖ", "ゑひ", "ゞ"],
}
"""Pieces that a search by small changes put together, in random order, for the lowest estimate it could find."""


def _of_pieces(pieces: list[str]) -> Generator:
    return lambda choose, size: "".join(choose.choices(pieces, k=size))


_GENERATED |= {name: _of("".join(map(chr, range(first, last + 1)))) for name, (first, last) in _DRAWN_EVENLY.items()}
_GENERATED |= {name: _of_pieces(pieces) for name, pieces in _SOUGHT.items()}

SOUGHT = frozenset(_SOUGHT)
DRAWN_EVENLY = frozenset(
    {"arabic_random", "han_random", "hangul_random", "private_use", "telugu", "unicode_random", *_DRAWN_EVENLY}
)
"""Characters drawn evenly from a script or from all of Unicode."""

NOT_LANGUAGE = SOUGHT | DRAWN_EVENLY
"""What nobody writes: its error is stated apart."""
