"""What a model's name says: which model it is a version of, and which family it belongs to.

Names are read without knowing any price. The rule easy to break: a version is exactly one date, three-digit revision or
`latest` at the end, because whatever else follows a name makes it another model.
"""

import re
from dataclasses import dataclass

VERSION = re.compile(
    r"""[-@:](?:
        latest
      | 20\d{2}-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])(?:-v\d)?    # 2024-07-18, 20250929, 20230824-v2
      | (?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]|20\d{2})      # 05-20, 09-2025
      | (?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])               # 0613
      | 0\d{2}                                                 # 001
    )""",
    re.VERBOSE,
)

_APART = (
    ("embedding", "embedding"),
    ("tts", "tts"),
    ("audio", "audio"),
    ("image", "image"),
    ("banana", "image"),
    ("omni", "omni"),
    ("robotics", "robotics"),
    ("cyber", "cyber"),
    ("daybreak", "cyber"),
    ("rosalind", "rosalind"),
    ("research", "research"),
    ("guard", "guard"),
    ("safeguard", "guard"),
)
"""Words for models that are priced apart from the general ones of their brand, and the family each names."""

_APART_AT_OPENAI = (*_APART, ("pro", "pro"))
"""`pro` is the size of a general model at Gemini, and twelve times the price of one at OpenAI."""

_SIZES = (
    "lite", "nano", "mini", "flash", "luna", "terra", "sol", "astra", "haiku", "sonnet", "opus", "fable", "mythos",
    "pro", "ultra", "heavy",
)  # fmt: skip
"""Words for the sizes in which a brand's general models come, cheap ones first: `flash-lite` is a lite."""


@dataclass(frozen=True, slots=True)
class Family:
    """Models that are priced as relatives: of one brand, and of one kind or size where the name says which."""

    brand: str
    apart: str = ""
    size: str = ""

    def includes(self, other: "Family") -> bool:
        """A name without a size may turn out to be of any."""
        return (self.brand, self.apart) == (other.brand, other.apart) and self.size in ("", other.size)


def undecorated(model: str) -> str:
    """Lower case, without Gemini's `models/`, and of a fine-tune only what is priced: `ft:base`, not whose it is."""
    name = model.strip().lower().removeprefix("models/")
    if name.startswith("ft:"):
        return ":".join(name.split(":")[:2])
    return name


def without_version(name: str) -> str | None:
    """The name before its version, None where it has none."""
    for position, character in enumerate(name):
        if character in "-@:" and VERSION.fullmatch(name, position):
            return name[:position]
    return None


def family_of(provider: str, model: str) -> Family | None:
    """Which family a name claims, None where it claims none. What a customer calls a tuned model says nothing."""
    name = undecorated(model)
    if provider == "groq":
        name = name.rpartition("/")[2]
    words = re.findall("[a-z]+", name)
    if not words or "/" in name:
        return None
    brand = "gpt" if words[0] == "chatgpt" else words[0]
    for word, apart in _APART_AT_OPENAI if provider == "openai" else _APART:
        if word in words:
            return Family(brand, apart=apart)
    return Family(brand, size=next((size for size in _SIZES if size in words), ""))
