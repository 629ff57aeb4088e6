"""The pages of those libraries that only `make clients` installs, run against the stack: what each does is what the tables say.

Those that every run of the tests installs are in `tests/runtime/test_light_clients.py`. One that is not there is skipped, and says so.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import Stack
from tests.clients.libraries import LIBRARIES, Library
from tests.clients.matrix import rows
from tests.clients.pins import PAGES

pytestmark = [pytest.mark.stack, pytest.mark.clients]

HEAVY = [library for library in LIBRARIES if not library.environment.is_light]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("libraries") / "state") as running:
        yield running


@pytest.mark.parametrize("library", HEAVY, ids=[library.client for library in HEAVY])
def test_the_table_says_what_the_library_does(library: Library, stack: Stack, tmp_path: Path) -> None:
    if not library.environment.place.exists():
        pytest.skip(f"`make clients` has not installed {library.client}")

    (row,) = rows(stack, [library], tmp_path)

    assert row.of_matrix() in (PAGES / "README.md").read_text()
