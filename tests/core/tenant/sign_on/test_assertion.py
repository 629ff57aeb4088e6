"""A token is read in one form alone; every other is nobody's."""

import json

import pytest

from core.tenant.sign_on.assertion import ASSERTION_CHARACTERS_MAX, BadAssertion, decoded, parse_assertion
from tests.support.access import ABSENT, claims, header, token
from tests.support.rsa import base64url


def test_an_assertion_is_read_into_its_parts() -> None:
    text = token()

    assertion = parse_assertion(text)

    assert assertion.key_id == "k1"
    assert assertion.signed == text.rpartition(".")[0].encode()
    assert base64url(assertion.signature) == text.rpartition(".")[2]
    assert assertion.claims == json.loads(claims())
    assert "alice" not in repr(assertion)


HEADERS = {
    "none": header(alg="none"),
    "None": header(alg="None"),
    "an empty algorithm": header(alg=""),
    "no algorithm": header(alg=ABSENT),
    "a list of algorithms": header(alg=["RS256"]),
    "another spelling": header(alg="rs256"),
    "HS256": header(alg="HS256"),
    "RS512": header(alg="RS512"),
    "PS256": header(alg="PS256"),
    "ES256": header(alg="ES256"),
    "no key id": header(kid=ABSENT),
    "an empty key id": header(kid=""),
    "a number as key id": header(kid=1),
    "a key id without end": header(kid="k" * 257),
    "crit": header(crit=["exp"]),
    "an empty crit": header(crit=None),
    "jku": header(jku="https://evil.example/keys"),
    "jwk": header(jwk={"kty": "RSA"}),
    "x5u": header(x5u="https://evil.example/cert"),
    "x5c": header(x5c=["MII"]),
    "two algorithms": '{"alg":"none","alg":"RS256","kid":"k1"}',
    "two key ids": '{"alg":"RS256","kid":"k2","kid":"k1"}',
    "two spellings of one member": '{"alg":"none","\\u0061lg":"RS256","kid":"k1"}',
    "a list": '["RS256"]',
    "no JSON": "{",
    "a lone surrogate": '{"alg":"RS256","kid":"k1","typ":"\\ud800"}',
}


@pytest.mark.parametrize("head", HEADERS.values(), ids=HEADERS)
def test_a_header_that_says_anything_else_is_refused(head: str) -> None:
    with pytest.raises(BadAssertion):
        parse_assertion(token(head=head))


CLAIMS = {
    "a claim twice": claims().replace('"type": "app"', '"type": "app", "type": "app"'),
    "a claim twice, deep inside": claims(custom={"a": 1}).replace('{"a": 1}', '{"a": 1, "a": 2}'),
    "a number of five thousand digits": claims().replace("DE", "").replace('"country": ""', '"x": ' + "9" * 5_000),
    "infinity": claims(country=float("inf")),
    "not a number": claims(country=float("nan")),
    "brackets without end": '{"a":' + "[" * 5_000 + "]" * 5_000 + "}",
    "a lone surrogate": claims().replace("DE", "\\ud800"),
    "bytes that are no text": claims().encode().replace(b"DE", b"\xff\xfe"),
    "a list": "[]",
    "nothing": "",
    "null": "null",
}


@pytest.mark.parametrize("said", CLAIMS.values(), ids=CLAIMS)
def test_claims_that_cannot_be_read_in_one_way_are_refused(said: str | bytes) -> None:
    with pytest.raises(BadAssertion):
        parse_assertion(token(said))


GOOD = token()
HEAD, BODY, SIGNATURE = GOOD.split(".")
TEXTS = {
    "empty": "",
    "two parts": f"{HEAD}.{BODY}",
    "four parts": f"{GOOD}.{SIGNATURE}",
    "five parts, as of an encrypted one": f"{HEAD}..{BODY}.{SIGNATURE}.{SIGNATURE}",
    "no signature": f"{HEAD}.{BODY}.",
    "two in one header": f"{GOOD}, {GOOD}",
    "padded": f"{HEAD}==.{BODY}.{SIGNATURE}",
    "a padded signature": f"{GOOD}==",
    "a space": f"{HEAD}. {BODY}.{SIGNATURE}",
    "a final newline": GOOD + "\n",
    "plain base64": f"{HEAD}.{BODY}.{'+/' + SIGNATURE[2:]}",
    "letters beyond ASCII": f"{HEAD}.{BODY}.{'é' + SIGNATURE[1:]}",
    "JSON as it is": header() + "." + claims() + "." + SIGNATURE,
    "too long": token(claims(custom="x" * ASSERTION_CHARACTERS_MAX)),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(BadAssertion):
        parse_assertion(text)


@pytest.mark.parametrize("text", ["QQ", "QUI", "QUJD", "-_-_"])
def test_bytes_are_read_from_their_one_form(text: str) -> None:
    assert base64url(decoded(text)) == text


@pytest.mark.parametrize("text", ["QR", "QUJ", "A", "QQ==", "QUJDR", "", "Q Q", "+/+/"])
def test_a_form_that_another_one_means_is_refused(text: str) -> None:
    """The last bits of QR and QUJ stand for nothing, and would make another text of the same bytes."""
    with pytest.raises(BadAssertion):
        decoded(text)
