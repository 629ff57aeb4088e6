"""Documents in the Ledger: nobody's write is lost, versions are kept, and the edge's copy follows."""

from core.bounds import DOCUMENT_VERSIONS_MAX
from core.ledger.document_messages import (
    DocumentWritten,
    NoDocument,
    VersionConflict,
    VersionsRequest,
    WriteRequest,
    WrittenDocument,
)
from core.tenant.documents import read_copy
from durable_objects.documents import (
    BY_HAND,
    COPY_AGAIN_MS,
    FOUND_IN_KV_MAX,
    Documents,
)
from durable_objects.outgoing.copies import COPY_RETRY_MS_MAX
from durable_objects.outgoing.pauses import FIRST_MS
from durable_objects.storage.rows import LedgerStore
from tests.support.ledger_requests import NOW_MS
from tests.support.sqlite_ledger import SqliteDatabase


def awake(database: SqliteDatabase) -> Documents:
    return Documents(LedgerStore(database))


def write(documents: Documents, text: str, instead_of: int | None = None, kind: str = "config") -> object:
    request = WriteRequest(kind=kind, text=text, instead_of=instead_of, written_by="key_1")
    return documents.write(request, NOW_MS)


def versions(documents: Documents, kind: str = "config", **page: int) -> list[int]:
    return [each.version for each in documents.history(VersionsRequest(kind=kind, **page)).versions]


def text_of(documents: Documents) -> str | None:
    found = documents.find("config", None)
    return found.text if isinstance(found, WrittenDocument) else None


def test_of_two_writes_in_place_of_the_same_version_one_is_refused(database: SqliteDatabase) -> None:
    documents = awake(database)
    write(documents, "{}", instead_of=0)

    first = write(documents, '{"fail_closed": true}', instead_of=1)
    second = write(documents, '{"fail_closed": false}', instead_of=1)

    assert isinstance(first, DocumentWritten)
    assert second == VersionConflict(present_version=2)
    assert text_of(documents) == '{"fail_closed": true}'


def test_versions_are_numbered_over_all_kinds(database: SqliteDatabase) -> None:
    documents = awake(database)
    for kind, text in (("config", "{}"), ("rules", "{}"), ("config", '{"fail_closed": true}')):
        write(documents, text, kind=kind)

    assert (versions(documents), versions(documents, "rules")) == ([3, 1], [2])
    assert documents.number == 3
    assert write(documents, "{}", instead_of=3, kind="rules") == VersionConflict(present_version=2)


def test_the_last_fifty_versions_are_kept_with_who_and_when(database: SqliteDatabase) -> None:
    documents = awake(database)
    for number in range(DOCUMENT_VERSIONS_MAX + 3):
        write(documents, f'{{"budget_wait_s": {number}}}')
    write(documents, "{}", kind="rules")

    assert versions(documents) == list(range(DOCUMENT_VERSIONS_MAX + 3, 3, -1))
    newest = documents.history(VersionsRequest(kind="config", limit=1)).versions[0]
    assert (newest.written_at_ms, newest.written_by) == (NOW_MS, "key_1")
    old = documents.find("config", 4)
    assert isinstance(old, WrittenDocument) and old.text == '{"budget_wait_s": 3}'
    assert documents.find("config", 3) == NoDocument()


def test_a_history_is_read_page_by_page(database: SqliteDatabase) -> None:
    documents = awake(database)
    for number in range(5):
        write(documents, f'{{"budget_wait_s": {number}}}')

    first = documents.history(VersionsRequest(kind="config", limit=2))
    assert [each.version for each in first.versions] == [5, 4]
    assert first.next_below == 4
    assert versions(documents, below=4, limit=3) == [3, 2, 1]
    assert documents.history(VersionsRequest(kind="config", below=4, limit=3)).next_below is None


def test_documents_outlive_a_sleep(database: SqliteDatabase) -> None:
    before = awake(database)
    write(before, '{"disabled_keys": ["key_9"]}')
    write(before, "{}", kind="rules")

    after = awake(database)

    assert (after.number, after.present()) == (2, before.present())
    assert (after.is_disabled("key_9"), after.is_disabled("key_1"), after.is_disabled(None)) == (True, False, False)


def test_a_row_that_cannot_be_read_is_set_aside(database: SqliteDatabase) -> None:
    write(awake(database), "{}")
    write(awake(database), '{"fail_closed": true}')
    database.execute("UPDATE documents SET body = 'x' WHERE version = 2")

    awake(database)  # sets it aside
    documents = awake(database)

    assert (documents.number, text_of(documents)) == (1, "{}")
    assert database.execute("SELECT source, body FROM set_aside") == [("document", "x")]


def test_a_number_is_never_given_twice_though_its_row_cannot_be_read(database: SqliteDatabase) -> None:
    """The edges and KV have the state of that number: they keep it, and are told of the next."""
    for text in ("{}", '{"disabled_keys": ["key_9"]}', '{"fail_closed": true}'):
        write(awake(database), text)
    awake(database).copied(3)
    database.execute("UPDATE documents SET body = 'x' WHERE version = 3")

    for documents in (awake(database), awake(database)):
        assert (documents.number, documents.copy_due_at_ms()) == (3, None)
        assert documents.is_disabled("key_9"), "the one before is the youngest that can be read"
    assert isinstance(write(documents, "{}", instead_of=2), DocumentWritten)
    assert awake(database).number == 4


def test_where_no_document_can_be_read_any_more_nothing_is_told_or_copied(database: SqliteDatabase) -> None:
    write(awake(database), '{"fail_closed": true}')
    awake(database).copied(1)
    database.execute("UPDATE documents SET body = 'x'")

    documents = awake(database)

    assert (documents.present().number, documents.copy_due_at_ms()) == (0, None)
    assert not documents.is_other(1, NOW_MS)
    write(documents, "{}")
    assert documents.number == 2


# What was written into KV by hand ---------------------------------------------------------------------------


def test_what_is_found_in_kv_is_taken_in_as_a_version(database: SqliteDatabase) -> None:
    documents = awake(database)

    documents.take_in('{"fail_closed": true}', NOW_MS)

    found = documents.find("config", None)
    assert isinstance(found, WrittenDocument)
    assert (found.version, found.written_by, found.text) == (1, BY_HAND, '{"fail_closed": true}')


def test_an_old_text_in_a_reader_s_cache_brings_nothing_back(database: SqliteDatabase) -> None:
    documents = awake(database)
    documents.take_in('{"fail_closed": true}', NOW_MS)
    write(documents, '{"fail_closed": false}', instead_of=1)

    documents.take_in('{"fail_closed": true}', NOW_MS)

    assert text_of(awake(database)) == '{"fail_closed": false}'


def test_an_earlier_text_put_into_kv_again_on_purpose_is_not_told_from_that(database: SqliteDatabase) -> None:
    documents = awake(database)
    for text in ('{"budget_wait_s": 7}', '{"budget_wait_s": 8}', '{"budget_wait_s": 7}'):
        documents.take_in(text, NOW_MS)

    assert (documents.number, text_of(documents)) == (2, '{"budget_wait_s": 8}')


def test_a_new_text_written_by_hand_replaces_what_was_there(database: SqliteDatabase) -> None:
    documents = awake(database)
    write(documents, "{}")

    documents.take_in('{"budget_wait_s": 3}', NOW_MS)

    assert (documents.number, text_of(documents)) == (2, '{"budget_wait_s": 3}')


# The copy in KV ---------------------------------------------------------------------------------------------


def test_a_copy_is_due_at_once_until_it_is_written(database: SqliteDatabase) -> None:
    documents = awake(database)
    assert documents.copy_due_at_ms() is None

    write(documents, "{}")
    assert (documents.copy_due_at_ms(), awake(database).copy_due_at_ms()) == (0, 0)

    documents.copied(1)
    assert documents.copy_due_at_ms() is awake(database).copy_due_at_ms() is None


def test_a_write_during_the_copy_of_another_makes_it_due_again(database: SqliteDatabase) -> None:
    documents = awake(database)
    write(documents, "{}")
    text = documents.present().text
    write(documents, '{"fail_closed": true}')

    documents.copied(1)

    copy = read_copy(text)
    assert copy is not None and copy.number == 1
    assert documents.copy_due_at_ms() == 0


def test_a_copy_that_fails_is_tried_again_and_a_new_write_does_not_wait_for_that(database: SqliteDatabase) -> None:
    documents = awake(database)
    write(documents, "{}")
    documents.copy_failed(NOW_MS)
    assert documents.copy_due_at_ms() == NOW_MS + FIRST_MS

    write(documents, '{"fail_closed": true}')
    assert documents.copy_due_at_ms() == 0


def test_a_copy_that_keeps_failing_is_tried_more_and_more_seldom(database: SqliteDatabase) -> None:
    documents = awake(database)
    write(documents, "{}")
    pauses_ms = []
    for _ in range(10):
        documents.copy_failed(NOW_MS)
        pauses_ms.append((documents.copy_due_at_ms() or 0) - NOW_MS)

    assert pauses_ms == [min(FIRST_MS * 2**number, COPY_RETRY_MS_MAX) for number in range(10)]
    documents.copied(1)
    write(documents, '{"fail_closed": true}')
    documents.copy_failed(NOW_MS)
    assert documents.copy_due_at_ms() == NOW_MS + FIRST_MS


def test_a_text_found_in_kv_is_known_again_however_many_versions_came_since(database: SqliteDatabase) -> None:
    documents = awake(database)
    documents.take_in('{"fail_closed": true}', NOW_MS)
    for number in range(DOCUMENT_VERSIONS_MAX + 1):
        write(documents, f'{{"budget_wait_s": {number}}}')
    write(documents, "{}")

    awake(database).take_in('{"fail_closed": true}', NOW_MS)

    assert text_of(awake(database)) == "{}"


def test_of_the_texts_found_in_kv_the_latest_thousand_are_remembered(database: SqliteDatabase) -> None:
    documents = awake(database)
    for number in range(FOUND_IN_KV_MAX + 1):
        documents.take_in(str(number), NOW_MS)

    assert database.execute("SELECT count(*) FROM found_in_kv") == [(FOUND_IN_KV_MAX,)]


def test_a_copy_that_is_none_of_the_ledger_s_is_overwritten_after_a_while(database: SqliteDatabase) -> None:
    documents = awake(database)
    assert not documents.is_other(7, NOW_MS), "a Ledger that has nothing knows no better"
    write(documents, "{}")
    documents.copied(1)

    assert [documents.is_other(number, NOW_MS) for number in (None, 0, 1)] == [False, True, False]
    assert documents.copy_due_at_ms() is None
    assert documents.is_other(7, NOW_MS)
    assert documents.copy_due_at_ms() == NOW_MS + COPY_AGAIN_MS


def test_an_old_text_found_in_kv_is_overwritten_after_a_while(database: SqliteDatabase) -> None:
    documents = awake(database)
    documents.take_in("{}", NOW_MS)
    documents.copied(1)

    documents.take_in("{}", NOW_MS)
    documents.take_in("{}", NOW_MS + 10)

    assert documents.copy_due_at_ms() == NOW_MS + COPY_AGAIN_MS
