"""Where alerts may go: public hosts over TLS, in one spelling; elsewhere only by the operator's leave."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.tenant.receivers.address import url_fault

GOOD = [
    "https://hooks.slack.com/services/T00/B00/xyz",
    "https://alerts.example.com",
    "https://alerts.example.com:443/a?b=c&d=%20",
    "https://alerts.example.com?token=1",
    "HTTPS://Alerts.Example.COM/A",
    "https://a.xn--p1ai/x",
    "https://1.example.com/@team",
]

PRIVATE = [
    "http://alerts.example.com/a",
    "https://alerts.example.com:8443/a",
    "https://alerts.example.com:0443/a",
    "http://127.0.0.1:8787/webhook",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f.0.0.1/",
    "https://0x7f000001/",
    "https://[::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://169.254.169.254/latest/meta-data",
    "https://localhost/",
    "https://a.localhost/",
    "https://metadata.google.internal/",
    "https://printer.local/",
    "https://router.home.arpa/",
    "https://ledger/",
    "https://alerts.example.com./",
    "https://-a.example.com/",
    "https://a..example.com/",
]

BROKEN = [
    "",
    "hooks.slack.com/services/T",
    "javascript:0",
    "file:///etc/passwd",
    "ftp://alerts.example.com",
    "https://",
    "https:///a",
    "https:alerts.example.com",
    "//alerts.example.com",
    "https://user@alerts.example.com/",
    "https://user:word@alerts.example.com/",
    "https://alerts.example.com:443@evil.example/",
    "https://alerts.example.com\\@evil.example/",
    "https://alerts.example.com/#a",
    "https://alerts.example.com/a b",
    "https://alerts.example.com/\n",
    "https://alerts.example.com/\u202e",
    "https://exämple.com/",
    "https://alerts.example.com/" + "x" * 1_000,
    "https://:443/",
    "https://a_b.example.com:x/",
]


@pytest.mark.parametrize("url", GOOD)
def test_a_public_address_is_taken(url: str) -> None:
    assert url_fault(url, allows_private=False) is None
    assert url_fault(url, allows_private=True) is None


@pytest.mark.parametrize("url", PRIVATE)
def test_a_private_address_is_taken_by_the_operator_s_leave_only(url: str) -> None:
    assert url_fault(url, allows_private=False)
    assert url_fault(url, allows_private=True) is None


@pytest.mark.parametrize("url", BROKEN, ids=lambda url: repr(url)[:50])
@pytest.mark.parametrize("allows_private", [False, True])
def test_what_is_no_plain_address_is_never_taken(url: str, allows_private: bool) -> None:
    assert url_fault(url, allows_private=allows_private)


def test_a_fault_repeats_nothing_of_an_address_that_is_a_secret() -> None:
    assert all("T00SECRET" not in str(url_fault(f"{url}T00SECRET", allows_private=False)) for url in PRIVATE + BROKEN)


@given(st.text(st.sampled_from("https:/.@[]\\#?%0123x4567890abc-_ \n\t\u202eé"), max_size=40))
def test_what_is_taken_is_read_alike_by_another_reader(rest: str) -> None:
    url = f"https://{rest}"
    if url_fault(url, allows_private=False) is None:
        parts = urlsplit(url)
        assert parts.scheme == "https" and parts.username is None and parts.port in (None, 443)
        assert parts.hostname and "." in parts.hostname and not parts.hostname.split(".")[-1].isdigit()
