"""A server is reached over https, or it is this machine."""

import pytest

from core.routing.addresses import InvalidBaseURL, base_url


def test_a_base_url_loses_its_last_slash() -> None:
    assert base_url("https://x.supabase.co/", "SUPABASE_URL") == "https://x.supabase.co"


@pytest.mark.parametrize(
    "text", ["", "x.supabase.co", "http://x.supabase.co", "ftp://x", "https://key@x", "https://x?k=1", "https://x/#a"]
)
def test_any_other_base_url_fails_naming_its_variable(text: str) -> None:
    with pytest.raises(InvalidBaseURL, match="SUPABASE_URL must") as fault:
        base_url(text, "SUPABASE_URL")

    assert not text or text not in str(fault.value)
