"""How many pages a PDF has, and how much text they show, however its page tree and its streams are shared.

Theory of operation. The tree may name one page many times and one branch many times, so pages are counted along every
path, each branch once. A tree that goes in circles, or grows without end, is unknown. The text of a page is what the
strings in its content show, and in the forms that it draws, each as often as it is drawn: forms that draw one another
ten times over show text without bytes.

The rule easy to break: of several definitions of a number the largest counts, and nothing that was not understood may
count as nothing.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from core.wire.media.containers.pdf_objects import PDF_ESCAPE, PDF_STRING, PdfObject, PdfObjects
from core.wire.media.containers.unknown import Unknown, known

_PAGES_MAX = 1_000_000
_TEXT_BYTES_MAX = 16 << 20
"""More than any model's window holds, of either."""

_REFERENCES_MAX = 1_000_000
"""Followed or read; they take a third of a second."""

_NULL_TO_BLANK = bytes.maketrans(b"\0", b" ")
_REFERENCE = rb"([0-9]{1,10})[\0\t\n\f\r ]+[0-9]{1,5}[\0\t\n\f\r ]+R(?![A-Za-z0-9])"
_ONE_REFERENCE = re.compile(_REFERENCE)
_END = rb"(?![^\0\t\n\f\r \[\]<>()/{}%])[\0\t\n\f\r ]*"
"""Of a name."""

_KIDS = re.compile(rb"/Kids" + _END)
_CONTENTS = re.compile(rb"/Contents" + _END)
_COUNT = re.compile(rb"/Count" + _END + rb"([^\0\t\n\f\r \[\]<>()/{}%]{0,20})([\0\t\n\f\r ]+[0-9]+[\0\t\n\f\r ]+R)?")
_PAGES = re.compile(rb"/Pages" + _END + _REFERENCE)
_TYPE_PAGE = re.compile(rb"/Type[\0\t\n\f\r ]*/Page" + _END)
_TYPE_PAGES = re.compile(rb"/Type[\0\t\n\f\r ]*/Pages" + _END)
_FORM = re.compile(rb"/Subtype[\0\t\n\f\r ]*/Form" + _END)
_NAME = rb"/([^\0\t\n\f\r \[\]<>()/{}%]{1,127})[\0\t\n\f\r ]*"
_NAMED = re.compile(_NAME + _REFERENCE)
_DRAWN = re.compile(_NAME + rb"(?:%[^\r\n]{0,200}[\r\n][\0\t\n\f\r ]*){0,4}Do(?![A-Za-z0-9])")
_LITERAL = re.compile(PDF_STRING)
_LITERALS_DEPTH_MAX = 4
_HEXADECIMAL = re.compile(rb"(?<!<)<(?!<)[^<>]*+>")
_TO_UNICODE = re.compile(rb"/ToUnicode" + _END + _REFERENCE)
_LONG_CHARACTER = re.compile(rb"<[0-9A-Fa-f\0\t\n\f\r ]{25}")
"""A code that stands for more than six UTF-16 units; the longest ligature of a language has three."""

_ENCRYPTED = re.compile(b"/" + b"".join(b"(?:%c|#%02x|#%02X)" % (letter, letter, letter) for letter in b"Encrypt"))

Node = int | bytes
"""An object by its number, or a name by which content draws something."""

Definitions = list[tuple[int, Mapping[Node, int]]]
"""Of one node: what each weighs itself, and how often it names each other node."""


def pdf_pages(document: bytes) -> int | None:
    """Pages by the tree, by what it claims, or by the pages that lie about: whichever are the most."""
    return known(lambda given: _Tree(_objects(given)).pages, document)


def pdf_text_bytes(document: bytes) -> int | None:
    """Bytes of the strings that all pages show: one for each character (two in fonts of many), one for each string."""
    return known(_text_bytes, document)


def _objects(document: bytes) -> PdfObjects:
    if b"%PDF-" not in document[:1024]:
        raise Unknown
    return PdfObjects(document)


class _Tree:
    """The pages, along every path from every root."""

    def __init__(self, objects: PdfObjects) -> None:
        self._objects = objects.by_number
        self._references_left = _REFERENCES_MAX
        roots = {number for number, thing in self._things(b"/Pages") if _TYPE_PAGES.search(thing.text)}
        for _, thing in self._things(b"/Pages"):
            roots.update(map(int, _PAGES.findall(thing.text)))
        self._nodes: set[Node] = set()
        self._found = _weighed(roots, self._below, most=_PAGES_MAX)

    @property
    def pages(self) -> int:
        apart = {number for number, thing in self._things(b"/Page") if _TYPE_PAGE.search(thing.text)}
        claims = [
            _claimed(*claim)
            for number, thing in self._things(b"/Count")
            if number in self._found
            for claim in _COUNT.findall(thing.text)
        ]
        pages = max(len(apart), *claims, *self._found.values(), 0)
        if not self._found or not 0 < pages <= _PAGES_MAX:
            raise Unknown
        return pages

    @property
    def leaves(self) -> list[int]:
        """The pages that the roots lead to, each once."""
        return [number for number in self._found if isinstance(number, int) and number not in self._nodes]

    def contents(self, page: int) -> list[Counter[Node]]:
        """How often each definition of a page shows each stream."""
        return [self._references(_CONTENTS, thing.text) for thing in self._objects.get(page, ())]

    def _things(self, name: bytes) -> Iterable[tuple[int, PdfObject]]:
        return ((number, thing) for number, each in self._objects.items() for thing in each if name in thing.text)

    def _below(self, number: Node) -> Definitions:
        things = self._objects.get(number, ()) if isinstance(number, int) else ()
        nodes: Definitions = [(0, self._references(_KIDS, thing.text)) for thing in things if _KIDS.search(thing.text)]
        if not nodes:
            return [(1, {})]
        self._nodes.add(number)
        return nodes

    def _references(self, key: re.Pattern[bytes], text: bytes) -> Counter[Node]:
        """What a key of a dictionary refers to: one object, those of an array, or those of an array elsewhere."""
        found: Counter[Node] = Counter()
        for match in key.finditer(text):
            if one := _ONE_REFERENCE.match(text, match.end()):
                found.update(self._listed(int(one[1])))
            else:
                found.update(self._array(text, match.end()))
        return found

    def _listed(self, number: int) -> Counter[Node]:
        arrays: Counter[Node] = Counter()
        for thing in self._objects.get(number, ()):
            start = thing.text.find(b"[")
            if start >= 0 and not thing.text[:start].strip(b"\0\t\n\f\r "):
                arrays.update(self._array(thing.text, start))
        return arrays or Counter((number,))

    def _array(self, text: bytes, start: int) -> Counter[Node]:
        end = text.find(b"]", start)
        if text[start : start + 1] != b"[" or end < 0:
            raise Unknown
        words = text[start + 1 : end].translate(_NULL_TO_BLANK).split()
        self._references_left -= len(words)
        if self._references_left < 0 or len(words) % 3 or not set(words[2::3]) <= {b"R"}:
            raise Unknown
        return Counter(map(int, words[0::3]))


def _claimed(count: bytes, reference: bytes) -> int:
    if reference:
        raise Unknown
    return int(count)


def _text_bytes(document: bytes) -> int:
    if _ENCRYPTED.search(document):
        raise Unknown
    objects = _objects(document)
    _refuse_long_characters(objects)
    tree = _Tree(objects)
    contents = {page: tree.contents(page) for page in tree.leaves}
    streams = {stream for each in contents.values() for shown in each for stream in shown}
    weights = _weighed(streams, _Shown(objects).of, most=_TEXT_BYTES_MAX)
    sizes = [max((_weight(shown, weights) for shown in each), default=0) for each in contents.values()]
    total = sum(sizes) if tree.pages <= len(sizes) else tree.pages * max(sizes, default=0)
    if total > _TEXT_BYTES_MAX:
        raise Unknown
    return total


class _Shown:
    """What streams of content show, and what they draw."""

    def __init__(self, objects: PdfObjects) -> None:
        self._objects = objects
        things = objects.by_number
        forms = {number for number, each in things.items() if any(_FORM.search(thing.text) for thing in each)}
        self._forms: dict[bytes, set[int]] = {}
        for text in (thing.text for each in things.values() for thing in each if forms):
            for name, number in _NAMED.findall(text):
                if int(number) in forms:
                    self._forms.setdefault(name, set()).add(int(number))

    def of(self, node: Node) -> Definitions:
        if isinstance(node, bytes):
            return [(0, {form: 1}) for form in self._forms[node]]
        things = [thing for thing in self._objects.by_number.get(node, ()) if thing.stream_start is not None]
        if not things:
            raise Unknown
        return [self._in(self._objects.data(thing)) for thing in things]

    def _in(self, content: bytes) -> tuple[int, Mapping[Node, int]]:
        drawn: Counter[Node] = Counter()
        if self._forms:
            names = _DRAWN.findall(content)
            if any(b"#" in name for name in names):
                raise Unknown
            drawn.update(name for name in names if name in self._forms)
        return _string_bytes(content), drawn


def _string_bytes(content: bytes) -> int:
    """Of all strings, and for each the blank that may be read before it. If they do not pair up, all may be one."""
    rest, shown = PDF_ESCAPE.sub(b"_", content), 0
    for _ in range(_LITERALS_DEPTH_MAX):
        if b"(" not in rest:
            break
        before = len(rest)
        rest, count = _LITERAL.subn(b"", rest)
        shown += before - len(rest) - count
    if b"(" in rest or b")" in rest:
        return len(content)
    return shown + (len(rest) - len(_HEXADECIMAL.sub(b"", rest))) // 2


def _refuse_long_characters(objects: PdfObjects) -> None:
    """Characters, and marks on text, that stand for texts of any length."""
    maps: set[int] = set()
    for things in objects.by_number.values():
        for thing in things:
            maps.update(map(int, _TO_UNICODE.findall(thing.text)))
            if b"/ActualText" in thing.text and b"/P" not in thing.text:
                raise Unknown
    for number in maps:
        for thing in objects.by_number.get(number, ()):
            if _LONG_CHARACTER.search(objects.data(thing)):
                raise Unknown


def _weighed(roots: Iterable[Node], definitions: Callable[[Node], Definitions], *, most: int) -> dict[Node, int]:
    """The weight of every node that the roots lead to: of its definitions the heaviest, with all that they name."""
    weights: dict[Node, int] = {}
    open_nodes: dict[Node, Definitions] = {}
    waiting = list(roots)
    left = _REFERENCES_MAX
    while waiting:
        node = waiting[-1]
        if node in weights:
            waiting.pop()
        elif node in open_nodes:
            weights[node] = max(own + _weight(named, weights) for own, named in open_nodes.pop(node))
            if weights[node] > most:
                raise Unknown
        else:
            open_nodes[node] = definitions(node)
            below = [each for _, named in open_nodes[node] for each in named]
            left -= len(below)
            if left < 0 or any(each in open_nodes for each in below):
                raise Unknown
            waiting.extend(below)
    return weights


def _weight(named: Mapping[Node, int], weights: Mapping[Node, int]) -> int:
    return sum(times * weights[node] for node, times in named.items())
