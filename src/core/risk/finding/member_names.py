"""What the name of a member says of its value: which strings of a request or an answer a model reads as text.

No dialect's schema is known here. Every string is text but those whose name, in any spelling, says that they are an id,
a choice, an address or media. Where a caller's own JSON stands (what a tool is called with, what it answered, a schema)
names say nothing; they are read for what they tell of the value after them.

The rule easy to break: the core walks bytes and the SDKs walk objects, and all of them leave out the same;
`vectors/request_texts.json` holds them to each other.
"""

import re
import string
from functools import lru_cache

_LEFT_OUT = frozenset({
    # ids
    "id", "toolcallid", "tooluseid", "callid", "itemid", "responseid", "previousresponseid", "conversation",
    "conversationid", "fileid", "fileids", "container", "containerid", "vectorstoreids", "filesearchstorenames",
    "cachedcontent", "promptcachekey", "safetyidentifier", "user", "metadata", "approvalrequestid",
    # choices
    "model", "role", "type", "name", "status", "object", "servicetier", "mimetype", "mediatype", "stop",
    "stopsequences", "toolchoice", "cachecontrol", "logitbias", "include", "modalities", "responsemodalities",
    # addresses, and what opens them
    "url", "uri", "imageurl", "videourl", "audiourl", "documenturl", "fileurl", "fileuri", "serverurl", "serverlabel",
    "authorization", "authorizationtoken", "headers", "env",
    # what only the provider reads
    "signature", "thoughtsignature", "encryptedcontent", "encryptedindex", "encryptedstdout",
    # media
    "filedata", "b64json",
    # tokens one by one, of what is text elsewhere in the answer
    "logprobs", "toplogprobs",
})  # fmt: skip
_OWN_DATA = frozenset({
    "args", "arguments", "response", "parameters", "parametersjsonschema", "schema", "inputschema", "inputexamples",
    "outputschema", "responseschema", "responsejsonschema", "variables",
})  # fmt: skip

WALKED, OWN, OUT, MEDIA, INPUT, SIGNED = range(6)
"""What a list or object is: the dialect's, the caller's own data, or left out. A name may mean more: what is media
unless it is text, what a tool is called with, what a provider thought and signed."""

_MEANINGS = (
    dict.fromkeys(_LEFT_OUT, OUT)
    | dict.fromkeys(_OWN_DATA, OWN)
    | {"data": MEDIA, "result": MEDIA, "input": INPUT, "thinking": SIGNED}
)

NAME_CHARACTERS_MAX = 60
"""As much of a name is looked at."""

BASE64_CHARACTERS_MIN = 4_096
"""A string of so much base64 and nothing else is media, whatever its name. The longest key in one line is shorter."""

BASE64 = f"{string.ascii_letters}{string.digits}+/-_=".encode()

ADDRESS = r"[dD][aA][tT][aA]:[^\s,]{0,200},"
"""How a string begins that is media by itself, and decoded by nobody here."""

_TELLING = re.compile(r"ssn|social|access_?key|account_?key", re.ASCII | re.IGNORECASE)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([\\/nrtbf]))")
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": " ", "f": " "}
"""An escaped quote stays as it is: either way it is part of nothing."""


@lru_cache(maxsize=2_048)
def meaning_of(name: str) -> int:
    """As the most lenient reader compares names."""
    return _MEANINGS.get(name.replace("_", "").casefold(), WALKED)


@lru_cache(maxsize=2_048)
def tells(name: str) -> bool:
    """Whether a member of a caller's own is called by what its value is."""
    return _TELLING.search(name) is not None


def inside(container: int, meaning: int, *, is_object: bool, is_at_top: bool) -> int:
    """What a list or object is that stands in such a container. `input` at the top is all of a request; deeper it is a
    tool's."""
    if container != WALKED:
        return container
    if meaning in (OWN, OUT):
        return meaning
    return OWN if meaning == INPUT and is_object and not is_at_top else WALKED


def is_like_json(text: str) -> bool:
    """Whether it may be an object or a list."""
    inner = text.strip(" \t\r\n")
    return inner[:1] + inner[-1:] in ("{}", "[]")


def escapes_in(text: str) -> list[tuple[int, int]]:
    """Where JSON in a string has escapes of its own; any other text has none."""
    return [escape.span() for escape in _ESCAPE.finditer(text)] if _has_escapes(text) else []


def unescaped(text: str) -> str:
    """JSON without its own escapes, once; any other text as it is."""
    return _ESCAPE.sub(_character, text) if _has_escapes(text) else text


def _has_escapes(text: str) -> bool:
    return "\\" in text and is_like_json(text)


def _character(escape: "re.Match[str]") -> str:
    code, letter = escape.groups()
    if code:
        number = int(code, 16)
        return "?" if 0xD800 <= number < 0xE000 else chr(number)
    return _LETTERS.get(letter, letter)
