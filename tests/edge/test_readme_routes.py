"""The README's list of routes leaves out no noun that the table has."""

from api.table import ENDPOINTS
from local.paths import ROOT

README = (ROOT / "README.md").read_text()


def test_every_noun_of_the_table_is_in_the_readme() -> None:
    nouns = {"/".join(endpoint.path.split("/")[:3]) for endpoint in ENDPOINTS}

    assert sorted(noun for noun in nouns if noun not in README) == []
