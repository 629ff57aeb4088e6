"""How many pages a PDF has and what text they show, however its tree, its streams and its names are bent."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.wire.media.containers import pdf_pages, pdf_text_bytes
from tests.support import media_files as files

CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
PAGE = b"<< /Type /Page /Contents 3 0 R >>"
TEXT = b"(" + b"dense " * 500 + b") Tj"
TEXT_BYTES = 3_001


def a_tree(kids: bytes, *, count: int = 0, **others: bytes) -> bytes:
    objects = {
        1: CATALOG,
        2: b"<< /Type /Pages /Count %d /Kids %b >>" % (count, kids),
        3: files.stream(TEXT),
        4: PAGE,
    }
    return files.pdf(objects | {int(number[1:]): thing for number, thing in others.items()})


def branches(depth: int, width: int) -> dict[str, bytes]:
    """A tree in which each branch is named by the one above it as often as it is wide."""
    return {
        f"_{number}": b"<< /Type /Pages /Kids [%b] >>"
        % (b"%d 0 R " % (number + 1 if number < 9 + depth else 4) * width)
        for number in range(10, 10 + depth)
    }


def hidden(document: bytes, *numbers: int) -> bytes:
    """The same with objects moved into an object stream."""
    things = {}
    for number in numbers:
        head, tail = b"%d 0 obj\n" % number, b"\nendobj\n"
        before, _, rest = document.partition(head)
        thing, _, after = rest.partition(tail)
        things[number] = thing
        document = before + after
    return document.replace(b"trailer", b"90 0 obj\n%b\nendobj\ntrailer" % files.object_stream(things))


ONE = a_tree(b"[4 0 R]")

PAGES: list[tuple[str, bytes, int]] = [
    ("one page", ONE, 1),
    ("a hundred pages that share one stream", files.pages_pdf(100), 100),
    ("one page a hundred thousand times", a_tree(b"[" + b"4 0 R " * 100_000 + b"]"), 100_000),
    ("a shared branch", a_tree(b"[10 0 R 10 0 R]", **branches(3, 10)), 2_000),
    ("a count above what there is", a_tree(b"[4 0 R]", count=500), 500),
    ("a count below what there is", files.pages_pdf(100, claimed=1), 100),
    ("kids that stand elsewhere", a_tree(b"10 0 R", _10=b"[4 0 R 4 0 R 4 0 R]"), 3),
    ("a page that is not there", a_tree(b"[4 0 R 77 0 R]"), 2),
    ("pages that no tree names", a_tree(b"[4 0 R]", _10=PAGE, _11=PAGE), 3),
    ("a tree in an object stream", hidden(files.pages_pdf(100), 1, 2, 10, 11, 12), 100),
    ("names with escapes", files.pages_pdf(100, claimed=1).replace(b"/Kids", b"/#4bi#64s"), 100),
    ("names and brackets without blanks", a_tree(b"[4 0 R 4 0 R]").replace(b"/Kids [", b"/Kids["), 2),
    ("null bytes for blanks", a_tree(b"[4\x000\x00R 4 0 R]"), 2),
    ("comments in between", a_tree(b"% ]\n [4 0 R % ]\n 4 0 R]"), 2),
    ("strings that look like the end", a_tree(b"[4 0 R 4 0 R] /A (>> \\) endobj [)"), 2),
    ("a later revision", files.pages_pdf(3) + files.pages_pdf(7)[9:], 7),
    ("an earlier revision of more", files.pages_pdf(7) + b"2 0 obj\n<< /Type /Pages /Kids [10 0 R] >>\nendobj\n", 7),
    ("kids given twice", a_tree(b"[4 0 R] /Kids [4 0 R 4 0 R]"), 3),
    ("a root without a type", files.pages_pdf(9).replace(b"/Type /Pages ", b""), 9),
    ("kids of something else", a_tree(b"[4 0 R]", _10=b"<< /Kids [11 0 R 12 0 R 13 0 R] >>"), 1),
]


@pytest.mark.parametrize(("document", "pages"), [pytest.param(*row, id=name) for name, *row in PAGES])
def test_a_document_has_as_many_pages_as_any_reader_finds(document: bytes, pages: int) -> None:
    assert pdf_pages(document) == pages


UNKNOWN: list[tuple[str, bytes]] = [
    ("nothing", b""),
    ("no document", b"hello " * 99),
    ("no pages", b"%PDF-1.7\n%%EOF"),
    ("a tree that names itself", a_tree(b"[2 0 R]")),
    ("a tree in a circle", a_tree(b"[10 0 R]", _10=b"<< /Type /Pages /Kids [2 0 R] >>")),
    ("a tree of more pages than anything holds", a_tree(b"[10 0 R]", **branches(9, 10))),
    ("a tree without an end", a_tree(b"[10 0 R]", **branches(80, 10))),
    ("a page inside its tree", a_tree(b"[<< /Type /Page >>]")),
    ("kids that do not end", a_tree(b"[4 0 R")),
    ("a number behind a reference", files.pages_pdf(1).replace(b"/Count 1", b"/Count 9 0 R")),
    ("a header with a comment in it", ONE.replace(b"2 0 obj", b"2 0 % \nobj")),
    ("a header with many blanks in it", ONE.replace(b"2 0 obj", b"2 0" + b" " * 60 + b"obj")),
    ("a string that does not end", ONE.replace(b"/Kids", b"(/Kids")),
    ("strings in a string beside a comment", ONE.replace(b"/Kids", b"/A (50% (a) b) /Kids")),
    ("an object stream of another filter", hidden(ONE, 4).replace(b"/Type /ObjStm", b"/Type /ObjStm /Filter /LZWDecode")),
    ("an object stream with a predictor", hidden(ONE, 4).replace(b"/Type /ObjStm", b"/Type /ObjStm /Predictor 12")),
    ("an encrypted object stream", hidden(ONE, 4).replace(b"x\x9c", b"\x11\x22")),
]  # fmt: skip


@pytest.mark.parametrize("document", [pytest.param(document, id=name) for name, document in UNKNOWN])
def test_a_document_that_does_not_tell_is_unknown(document: bytes) -> None:
    assert pdf_pages(document) is None
    assert pdf_text_bytes(document) is None


def a_page(contents: bytes, **others: bytes) -> bytes:
    return a_tree(b"[4 0 R]", _4=b"<< /Type /Page /Contents %b >>" % contents, **others)


def forms(depth: int, times: int) -> dict[str, bytes]:
    """Forms that draw one another; the last one shows the text."""
    last = 19 + depth
    return {
        f"_{number}": files.stream(
            TEXT if number == last else b"/F%d Do " % (number + 1) * times,
            b"/Subtype /Form /Resources << /XObject << /F%d %d 0 R >> >> " % (number + 1, number + 1),
        )
        for number in range(20, last + 1)
    } | {"_9": b"<< /XObject << /F20 20 0 R >> >>"}


TEXTS: list[tuple[str, bytes, int]] = [
    ("one page", ONE, TEXT_BYTES),
    ("a hundred pages that share one stream", files.pages_pdf(100, TEXT), 100 * TEXT_BYTES),
    ("one page a hundred times", a_tree(b"[" + b"4 0 R " * 100 + b"]"), 100 * TEXT_BYTES),
    ("a stream shown twice by a page", a_page(b"[3 0 R 3 0 R]"), 2 * TEXT_BYTES),
    ("contents that stand elsewhere", a_page(b"8 0 R", _8=b"[3 0 R 3 0 R]"), 2 * TEXT_BYTES),
    ("a page without contents", a_tree(b"[4 0 R 10 0 R]", _10=b"<< /Type /Page >>"), TEXT_BYTES),
    ("text that is not deflated", a_page(b"8 0 R", _8=files.stream(TEXT, deflate=False)), TEXT_BYTES),
    (
        "text behind an end that is none",
        a_page(b"8 0 R", _8=files.stream(b"(endstream endobj) Tj " + TEXT, deflate=False)),
        TEXT_BYTES + 17,
    ),
    ("text in two filters", a_page(b"8 0 R", _8=b"<< /Length 9 /Filter [/AHx /Fl] >>\nstream\n%b>\nendstream" % files.zlib.compress(TEXT).hex().encode()), TEXT_BYTES),
    ("hexadecimal text", a_page(b"8 0 R", _8=files.stream(b"<" + b"0041" * 1_500 + b"> Tj")), TEXT_BYTES),
    ("text with brackets in it", a_page(b"8 0 R", _8=files.stream(b"(" + b"(a)" * 1_000 + b") Tj")), TEXT_BYTES - 1_000),
    ("text that does not pair up", a_page(b"8 0 R", _8=files.stream(TEXT + b"(")), TEXT_BYTES + 5),
    ("a form drawn ten times", a_page(b"8 0 R", _8=files.stream(b"/F20 Do " * 10), **forms(1, 0)), 10 * TEXT_BYTES),
    ("forms that draw one another", a_page(b"8 0 R", _8=files.stream(b"/F20 Do " * 10), **forms(3, 10)), 1_000 * TEXT_BYTES),
    ("a form drawn with a comment", a_page(b"8 0 R", _8=files.stream(b"/F20 % (\n Do"), **forms(1, 0)), TEXT_BYTES + 12),
]  # fmt: skip


@pytest.mark.parametrize(("document", "size"), [pytest.param(*row, id=name) for name, *row in TEXTS])
def test_text_counts_as_often_as_it_is_shown(document: bytes, size: int) -> None:
    assert pdf_text_bytes(document) == size


TEXT_UNKNOWN: list[tuple[str, bytes]] = [
    ("encrypted", files.pdf({1: CATALOG, 2: b"<< /Type /Pages /Kids [4 0 R] >>", 4: b"<< >>"}, trailer=b"/#45ncrypt 9 0 R")),
    ("contents that are not there", a_page(b"77 0 R")),
    ("contents of another filter", a_page(b"8 0 R", _8=b"<< /Filter /LZWDecode /Length 3 >>\nstream\nabc\nendstream")),
    ("contents of a hidden filter", a_page(b"8 0 R", _8=b"<< /Filter 9 0 R /Length 3 >>\nstream\nabc\nendstream")),
    ("forms that draw each other", a_page(b"8 0 R", _8=files.stream(b"/F20 Do"), **(forms(2, 1) | {"_21": files.stream(b"/F20 Do", b"/Subtype /Form ")}))),
    ("forms without an end", a_page(b"8 0 R", _8=files.stream(b"/F20 Do"), **forms(9, 10))),
    ("a bomb", a_page(b"8 0 R", _8=files.stream(bytes(20 << 20)))),
    ("bombs", a_tree(b"[4 0 R]", **{f"_{number}": files.object_stream({99: b" " * 900_000}) for number in range(30, 40)})),
    ("characters that stand for texts", a_tree(b"[4 0 R]", _8=b"<< /ToUnicode 9 0 R >>", _9=files.stream(b"<01> <" + b"0041" * 90 + b">"))),
    ("marks that stand for texts", a_tree(b"[4 0 R]", _8=b"<< /ActualText (abc) >>")),
]  # fmt: skip


@pytest.mark.parametrize("document", [pytest.param(document, id=name) for name, document in TEXT_UNKNOWN])
def test_text_that_cannot_be_bounded_is_unknown(document: bytes) -> None:
    assert pdf_text_bytes(document) is None


def test_a_hundred_full_pages_fit_into_a_small_document() -> None:
    document = files.pages_pdf(0, TEXT, kids=b"4 0 R " * 100).replace(b"trailer", b"4 0 obj %b endobj trailer" % PAGE)

    assert len(document) < 1_600
    assert (pdf_pages(document), pdf_text_bytes(document)) == (100, 100 * TEXT_BYTES)


ANY = [document[:20_000] for _, document, *_ in (*PAGES, *UNKNOWN, *TEXTS, *TEXT_UNKNOWN)]
MEASURES: list[Callable[[bytes], object]] = [pdf_pages, pdf_text_bytes]


@given(st.sampled_from(ANY), st.lists(st.tuples(st.integers(0, 900), st.binary(min_size=1, max_size=9)), max_size=6))
def test_no_bytes_raise(document: bytes, changes: list[tuple[int, bytes]]) -> None:
    changed = bytearray(document)
    for at, piece in changes:
        changed[at : at + len(piece)] = piece

    for measure in MEASURES:
        measure(bytes(changed))


PIECES = [b"1 0 obj", b"2 0 obj", b"<<", b">>", b"/Kids", b"[", b"]", b"1 0 R", b"2 0 R", b"/Type /Pages", b"/Pages", b"/Count 7",
          b"/Contents", b"stream\n", b"endstream", b"endobj", b"(", b")", b"%", b"\n", b"/ObjStm", b"/First 9", b"/F Do", b"trailer"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_no_order_of_a_document_s_pieces_raises(pieces: list[bytes]) -> None:
    for measure in MEASURES:
        measure(b"%PDF-1.7 " + b" ".join(pieces))
