"""What a request holds or refers to that is no text: pictures, sound, films, documents, files, stored answers.

Theory of operation. One walk over the whole request, which knows no dialect's schema. Providers read more than their
references say (a list of one as an object, camelCase for snake_case, any case, null for absent), so the walk knows
names, in any spelling and at any depth, and what each means. It leaves out only where a caller's own JSON stands: the
arguments of tools, their results as data, schemas. There a name is nothing but text.

What stands where media is read counts as media, by what its bytes are and by what they are said to be, whichever is
dearer. Its base64 is taken out of the text (`core.wire.media.lifted_body`). Whatever is left is text, fields nobody has
heard of included, so a caller gains nothing by dressing a long text as a picture. What is only referred to is counted:
its size is not in the body.

The rule easy to break: a name that is not known here holds nothing but text, so a new way to refer to something must be
entered below.
"""

import math
from collections.abc import Callable, Mapping

from core.bounds import MEDIA_PIECES_MAX, SCOPE_ID_CHARACTERS_MAX
from core.money.text_size import text_tokens
from core.refusals import InvalidRequest
from core.wire.media.lifted_body import LiftedBody
from core.wire.media.size import begins_as, declared_family, media_size

OPAQUE_CHARACTERS_PER_TOKEN = {
    "signature": 4,
    "encryptedcontent": 4,
    "encryptedindex": 4,
    "data": 4,
    "thoughtsignature": 8,
}
"""Of what a provider encrypted and reads again as the text it encrypted: four characters of base64 hold three bytes,
and a token of text has some four, so that this is a third high. Gemini's signatures stand beside the thought they sign
and weigh little. Providers refuse forged ones or do not read them as text, so that nobody gets text at this rate."""

FRAMES_PER_SECOND_MAX = 24
"""Gemini looks at no film more densely (its guide to video understanding)."""

IMAGE_START_BYTES = 262_144
"""Of a picture, what is decoded to tell what it is."""

_Object = Mapping[str, object]
_Meaning = Callable[["Media", "_Node", str, object], None]


class Media:
    """What was found so far. Counts are those of `PromptSize`."""

    def __init__(self, lifted: LiftedBody, model: str) -> None:
        self.model = model
        self.text_tokens = 0
        """Of documents that are text, and of what is opaque."""
        self.images = 0
        self.image_sizes: list[tuple[int, int]] = []
        self.audio_ms = 0
        self.video_ms = 0
        self._pieces = 0
        self.pdf_pages = 0
        self.pdf_text_bytes = 0
        self.unsized = 0
        self.hidden_inputs = 0
        self.attachments = 0
        """Documents, in the body or referred to."""
        self.tools: list[object] = []
        """What the caller defines tools by, wherever in the request it does."""
        self.stored: dict[str, None] = {}
        """Names of members that refer to what is stored under the provider's account, each once."""
        self._lifted = lifted
        self._meanings: dict[str, _Meaning | None] = {}

    def add_data(self, value: object, declared: str, *, may_be_text: bool = False, frames_per_second: int = 1) -> None:
        """Base64 where the provider reads media, and the type it is said to have. As a file it may be text."""
        if not isinstance(value, str):
            self.unsized += 1
            return
        self._pieces += 1
        if self._pieces > MEDIA_PIECES_MAX:
            raise InvalidRequest(
                f"the request body has more than {MEDIA_PIECES_MAX} pictures, sounds and files: send fewer"
            )
        self._lifted.take(value)
        is_image = declared_family(declared) == "image" and not may_be_text
        data = self._lifted.decoded(value, start_bytes=IMAGE_START_BYTES if is_image else None)
        if is_image and data is not None and begins_as(data) not in ("image", None):
            data = self._lifted.decoded(value)
        size = media_size(data, declared, may_be_text=may_be_text)
        self.images += size.images
        self.image_sizes += size.image_sizes
        self.audio_ms += size.audio_ms
        self.video_ms += size.video_ms * frames_per_second
        self.pdf_pages += size.pdf_pages
        self.pdf_text_bytes += size.pdf_text_bytes
        self.unsized += size.unsized
        if size.text:
            self.text_tokens += text_tokens(size.text, self.model)

    def add_address(self, value: object, *, is_image: bool, name: str) -> None:
        """A `data:` address holds the media itself; any other is fetched by the provider."""
        address = value.strip() if isinstance(value, str) else ""
        start, comma, data = address.partition(",")
        if start[:5].lower() == "data:" and comma:
            self.add_data(data, start[5:], may_be_text=not is_image)
        else:
            self.add_reference(name, is_image=is_image and not _is_of_a_film(address))

    def add_reference(self, name: str, *, is_image: bool = False, is_stored: bool = False) -> None:
        """Something that is not in the body. A picture has its highest price; anything else any size."""
        if is_image:
            self.images += 1
        else:
            self.hidden_inputs += 1
        if is_stored:
            self.stored[name] = None

    def add_opaque(self, value: object, kind: str) -> None:
        """What only the provider can read. What is no base64 stays in the text, and costs as text."""
        if isinstance(value, str) and self._lifted.take(value):
            self.text_tokens += -(-self._lifted.length(value) // OPAQUE_CHARACTERS_PER_TOKEN[kind])

    def walk(self, value: object) -> None:
        """Count all there is in a part of the request."""
        waiting = [value]
        while waiting:
            value = waiting.pop()
            if type(value) is dict:
                waiting += self._visit(value)
            elif type(value) is list:
                waiting += [inner for inner in value if type(inner) in _CONTAINERS]

    def _visit(self, members: _Object) -> list[object]:
        """Count what the members of one object mean, and return those that mean nothing by themselves."""
        node = None
        inside = []
        for name, member in members.items():
            meaning = self._meaning_of(name) if member else _nothing
            if meaning is None:
                if type(member) in _CONTAINERS:
                    inside.append(member)
            elif meaning is not _nothing:
                node = node or _Node(members)
                node.refuse_second_spelling(name)
                meaning(self, node, name, member)
        return inside

    def _meaning_of(self, name: str) -> _Meaning | None:
        try:
            return self._meanings[name]
        except KeyError:
            return self._meanings.setdefault(name, _MEANINGS.get(folded(name)))


class _Node:
    """An object of the request some member of which has a meaning."""

    __slots__ = ("_names", "kind", "members")

    def __init__(self, members: _Object) -> None:
        self.members = members
        self.kind = kind_of(members)
        self._names: set[str] = set()

    def refuse_second_spelling(self, name: str) -> None:
        """Of two spellings of one name, which a lenient reader takes is not known."""
        plain = folded(name)
        if plain in self._names:
            raise second_spelling(name, name)
        self._names.add(plain)


def second_spelling(name: str, param: str) -> InvalidRequest:
    """The refusal of a member that one reader may find under this name, and another under another."""
    words = f"the member {name[:60]!r} has a second spelling: write it once, as the provider's pages do"
    return InvalidRequest(words, param=param[:60])


_CONTAINERS = frozenset((dict, list))


def folded(name: str) -> str:
    """A name as the most lenient reader compares it."""
    return name.replace("_", "").casefold()


def objects(value: object) -> list[_Object]:
    """The objects of a list; an object alone is a list of one, and lists within lists are one list, as protobuf's
    reader of JSON has it."""
    found: list[_Object] = []
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            found.append(value)
        elif isinstance(value, list):
            waiting += reversed(value)
    return found


def given(node: _Object, name: str) -> list[object]:
    """The members of this name, in all its spellings, that are not null or empty."""
    return [value for other, value in node.items() if value and folded(other) == name]


def kind_of(node: _Object) -> str:
    """Its `type`, in lower case; empty where it has none."""
    return " ".join(str(kind).lower() for kind in given(node, "type"))


# What names mean ------------------------------------------------------------------------------------------------


def _nothing(media: Media, node: _Node, name: str, member: object) -> None:
    """The caller's own data or a schema, in which names mean nothing."""


def _tools(media: Media, node: _Node, name: str, member: object) -> None:
    """Definitions are read as text, whatever stands in them, and may name what is stored."""
    media.tools.append(member)
    definitions = Media(LiftedBody(b""), media.model)
    definitions.walk(member)
    media.hidden_inputs += definitions.hidden_inputs
    media.stored |= definitions.stored


def _tool_input(media: Media, node: _Node, name: str, member: object) -> None:
    """Anthropic's `input` of a tool is the caller's own data; OpenAI's of a request is all there is."""
    if not node.kind.endswith("tool_use"):
        media.walk(member)


def _image_address(media: Media, node: _Node, name: str, member: object) -> None:
    if isinstance(member, dict):
        for address in given(member, "url"):
            media.add_address(address, is_image=True, name=name)
        media.walk(member)
    else:
        media.add_address(member, is_image=True, name=name)


def _address(media: Media, node: _Node, name: str, member: object) -> None:
    for value in [url for each in objects(member) for url in given(each, "url")] or [member]:
        media.add_address(value, is_image=False, name=name)
    media.attachments += 1


def _file_id(media: Media, node: _Node, name: str, member: object) -> None:
    is_image = node.kind in ("input_image", "computer_screenshot")
    media.attachments += not is_image
    media.add_reference(name, is_image=is_image, is_stored=True)


def _file_address(media: Media, node: _Node, name: str, member: object) -> None:
    media.add_reference(name, is_stored=not _is_public(member))


def _is_public(address: object) -> bool:
    """An address that anyone may write; what Google's Files API gave out names an object of the account."""
    text = address.strip().lower() if isinstance(address, str) else ""
    return text.startswith(("http://", "https://", "gs://")) and "googleapis.com" not in text


def _is_of_a_film(address: object) -> bool:
    """Google tells a film on YouTube by its address, whatever it is said to be."""
    return "youtu" in str(address).lower()


def _file_data(media: Media, node: _Node, name: str, member: object) -> None:
    """OpenAI's is the file, in base64 or as an address; Gemini's says where it is."""
    if isinstance(member, str):
        media.attachments += 1
        if member.strip()[:5].lower() == "data:":
            media.add_address(member, is_image=False, name=name)
        else:
            media.add_data(member, "", may_be_text=True)
    for file in objects(member):
        is_picture = any(declared_family(mime) == "image" for mime in given(file, "mimetype"))
        for address in given(file, "fileuri"):
            media.add_reference(
                "fileUri", is_image=is_picture and not _is_of_a_film(address), is_stored=not _is_public(address)
            )


def _inline_data(media: Media, node: _Node, name: str, member: object) -> None:
    for blob in objects(member):
        declared = " ".join(str(mime) for mime in given(blob, "mimetype"))
        for data in given(blob, "data"):
            media.add_data(
                data,
                declared,
                may_be_text=declared_family(declared) != "image",
                frames_per_second=frames_per_second(node.members),
            )


def frames_per_second(part: _Object) -> int:
    """How densely Gemini is to look at a film: once a second, unless the caller asks for more."""
    settings = [each for value in given(part, "videometadata") for each in objects(value)]
    asked = [fps for each in settings for fps in given(each, "fps")]
    return max([1, *(_whole_rate(fps) for fps in asked)])


def _whole_rate(fps: object) -> int:
    try:
        rate = float(fps)  # type: ignore[arg-type]  # a number may be written as a string
        return math.ceil(min(FRAMES_PER_SECOND_MAX, rate))
    except (TypeError, ValueError, OverflowError):
        return FRAMES_PER_SECOND_MAX


def _source(media: Media, node: _Node, name: str, member: object) -> None:
    """Anthropic's of a picture or document."""
    is_image = node.kind == "image"
    for source in objects(member):
        if kind_of(source) != "text":
            declared = " ".join(str(kind) for kind in given(source, "mediatype"))
            for data in given(source, "data"):
                media.add_data(data, declared, may_be_text=not is_image)
        for _ in given(source, "url"):
            media.add_reference(name, is_image=is_image)
        for _ in given(source, "fileid"):
            media.add_reference("file_id", is_image=is_image, is_stored=True)
        media.walk([part for content in given(source, "content") for part in objects(content)])


def _input_audio(media: Media, node: _Node, name: str, member: object) -> None:
    for sound in objects(member):
        for data in given(sound, "data"):
            media.add_data(data, "audio/")
        media.walk({other: value for other, value in sound.items() if folded(other) != "data"})
    if not any(given(sound, "data") for sound in objects(member)):
        media.add_reference(name)


def _spoken(media: Media, node: _Node, name: str, member: object) -> None:
    """An earlier spoken answer, by its id; at the top of a request it says how to speak."""
    for answer in objects(member):
        for _ in given(answer, "id"):
            media.add_reference(name, is_stored=True)


def _result(media: Media, node: _Node, name: str, member: object) -> None:
    """A picture drawn earlier."""
    if "image_generation" in node.kind:
        media.add_data(member, "image/")
    elif type(member) in _CONTAINERS:
        media.walk(member)


def _data(media: Media, node: _Node, name: str, member: object) -> None:
    if node.kind == "redacted_thinking":
        media.add_opaque(member, "data")
    elif type(member) in _CONTAINERS:
        media.walk(member)


def _opaque(media: Media, node: _Node, name: str, member: object) -> None:
    media.add_opaque(member, folded(name))


def _citations(media: Media, node: _Node, name: str, member: object) -> None:
    """What an earlier answer quoted. No provider fetches it again."""
    for citation in objects(member):
        for value in given(citation, "encryptedindex"):
            media.add_opaque(value, "encryptedindex")


def _stored(media: Media, node: _Node, name: str, member: object) -> None:
    """Something of the account that a tool uses; what it costs is the tool's matter."""
    media.stored[name] = None


def _stored_input(media: Media, node: _Node, name: str, member: object) -> None:
    media.add_reference(name, is_stored=True)


_MEANINGS: dict[str, _Meaning] = {
    "imageurl": _image_address,
    "videourl": _address,
    "audiourl": _address,
    "documenturl": _address,
    "fileurl": _address,
    "fileid": _file_id,
    "fileuri": _file_address,
    "filedata": _file_data,
    "inlinedata": _inline_data,
    "source": _source,
    "inputaudio": _input_audio,
    "audio": _spoken,
    "result": _result,
    "data": _data,
    "signature": _opaque,
    "thoughtsignature": _opaque,
    "encryptedcontent": _opaque,
    "encryptedindex": _opaque,
    "citations": _citations,
    "cachedcontent": _stored_input,
    "fileids": _stored,
    "vectorstoreids": _stored,
    "filesearchstorenames": _stored,
    "container": _stored,
    "containerid": _stored,
    "input": _tool_input,
    "tools": _tools,
    "functions": _tools,
    **dict.fromkeys(
        ("args", "arguments", "response", "parameters", "parametersjsonschema", "schema", "inputschema",
         "inputexamples", "outputschema", "responseschema", "responsejsonschema", "annotations", "results", "metadata",
         "documents", "logitbias", "env"),
        _nothing,
    ),
}  # fmt: skip
"""By folded name. `annotations` and `results` are of earlier answers, and no provider fetches them again."""


# What the provider stored ------------------------------------------------------------------------------------------

_CONTENT_OF_ITEMS = {
    "reasoning": ("encryptedcontent", "content"),
    "compaction": ("encryptedcontent",),
    "file_search_call": ("results",),
    "code_interpreter_call": ("outputs",),
    "image_generation_call": ("result",),
    "computer_call_output": ("output",),
}
"""Where an item of this type has what the model reads of it. The rest, such as a summary, says little of its size."""

_CONTENT_OF_OTHERS = (
    "content", "output", "arguments", "input", "action", "actions", "operation", "tools", "error", "result",
    "encryptedcontent",
)  # fmt: skip


NOBODYS_ANSWER_ID = "?"
"""What no provider calls an answer."""


def answer_id(value: object) -> str:
    """By which a request refers to an answer or a conversation: the id, or an object that has it. What is given without
    an id that can be read is nobody's."""
    ids = given(value, "id") if isinstance(value, dict) else [value]
    [id] = ids if len(ids) == 1 else [None]
    return id if isinstance(id, str) and len(id) <= SCOPE_ID_CHARACTERS_MAX else NOBODYS_ANSWER_ID


def add_stored_items(media: Media, items: object) -> None:
    """Items of a Responses request that stand in it by their id alone: the provider looks them up."""
    for item in objects(items):
        kind = kind_of(item)
        content = _CONTENT_OF_ITEMS.get(kind, _CONTENT_OF_OTHERS)
        is_alone = bool(given(item, "id")) and not any(given(item, name) for name in content)
        if is_alone or "item_reference" in kind:
            media.add_reference("id", is_stored=True)
