"""What a caller writes behind a provider's name ends as one canonical path with one price class."""

import pytest

from core.refusals import MethodNotAllowed, RouteNotFound
from core.routing.paths import reaches_account, resolve_upstream_path

METERED = [
    ("openai", "chat/completions", "chat/completions", "openai_chat"),
    ("openai", "v1/chat/completions", "chat/completions", "openai_chat"),
    ("openai", "", "chat/completions", "openai_chat"),
    ("openai", "v1", "chat/completions", "openai_chat"),
    ("openai", "v1/responses", "responses", "openai_responses"),
    ("openai", "embeddings/", "embeddings", "openai_embeddings"),
    ("openai", "completions", "completions", "openai_completions"),
    ("anthropic", "v1/messages", "messages", "anthropic_messages"),
    ("anthropic", "v1/chat/completions", "chat/completions", "openai_chat"),
    ("groq", "openai/v1/chat/completions", "chat/completions", "openai_chat"),
    ("xai", "v1/chat/completions", "chat/completions", "openai_chat"),
    ("gemini", "v1/models/g:generateContent", "v1/models/g:generateContent", "gemini"),
    ("gemini", "v1beta/models/g:streamGenerateContent", "v1beta/models/g:streamGenerateContent", "gemini"),
    ("gemini", "models/g:embedContent", "v1beta/models/g:embedContent", "gemini_embed"),
    ("gemini", "v1beta/openai/chat/completions", "v1beta/openai/chat/completions", "openai_chat"),
    ("gemini", "v1/chat/completions", "v1beta/openai/chat/completions", "openai_chat"),
    ("gemini", "", "v1beta/openai/chat/completions", "openai_chat"),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "rest", "path", "dialect"), METERED)
def test_a_generating_path_is_metered_in_its_dialect(provider: str, rest: str, path: str, dialect: str) -> None:
    resolved = resolve_upstream_path(provider, rest, "POST")

    assert (resolved.path, resolved.billing, resolved.dialect) == (path, "metered", dialect)


FREE = [
    ("openai", "v1/models", "GET"),
    ("openai", "responses/resp_1", "GET"),
    ("openai", "files/f", "DELETE"),
    ("anthropic", "v1/messages/count_tokens", "POST"),
    ("gemini", "v1beta/models/g:countTokens", "POST"),
    ("gemini", "v1beta/operations/o", "GET"),
]


@pytest.mark.parametrize(("provider", "rest", "method"), FREE)
def test_reading_and_counting_are_free(provider: str, rest: str, method: str) -> None:
    assert resolve_upstream_path(provider, rest, method).billing == "free"


SIDE_DOORS = [
    ("openai", "images/generations"),
    ("openai", "audio/speech"),
    ("openai", "batches"),
    ("openai", "fine_tuning/jobs"),
    ("openai", "realtime/sessions"),
    ("openai", "chat/completions/x"),
    ("openai", "Chat/Completions"),
    ("anthropic", "v1/messages/batches"),
    ("anthropic", "v1/complete"),
    ("groq", "openai/v1/audio/transcriptions"),
    ("xai", "v1/images/generations"),
    ("gemini", "v1beta/models/g:batchGenerateContent"),
    ("gemini", "v1beta/models/imagen:predict"),
    ("gemini", "v1beta/models/veo:predictLongRunning"),
    ("gemini", "v1beta/cachedContents"),
    ("gemini", "v1beta/interactions"),
    ("gemini", "v1beta/openai/images/generations"),
]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize(("provider", "rest"), SIDE_DOORS)
def test_every_other_way_to_spend_is_unmetered(provider: str, rest: str, method: str) -> None:
    assert resolve_upstream_path(provider, rest, method).billing == "unmetered"


@pytest.mark.parametrize("rest", ["a//b", "../v1/x", "a/../b", "a/%2e%2e/b", "a%252fb", "a b", "a\\b", "./a", "a?b"])
def test_a_path_with_two_readings_is_refused(rest: str) -> None:
    with pytest.raises(RouteNotFound):
        resolve_upstream_path("openai", rest, "POST")


def test_an_encoded_path_is_judged_by_what_it_means() -> None:
    assert resolve_upstream_path("openai", "chat%2Fcompletions", "POST").billing == "metered"


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "OPTIONS", "PROPFIND"])
def test_a_method_no_provider_has_is_refused(method: str) -> None:
    with pytest.raises(MethodNotAllowed):
        resolve_upstream_path("openai", "chat/completions", method)


ACCOUNT = [
    ("openai", "models", "GET", False),
    ("openai", "v1/models/gpt-4o", "GET", False),
    ("gemini", "v1beta/models", "GET", False),
    ("gemini", "v1beta/openai/models", "HEAD", False),
    ("anthropic", "v1/messages/count_tokens", "POST", False),
    ("openai", "models/ft:gpt-4o:acme", "DELETE", True),
    ("openai", "files", "GET", True),
    ("openai", "chat/completions", "GET", True),
    ("anthropic", "v1/messages/batches", "GET", True),
    ("gemini", "v1beta/files", "GET", True),
    ("gemini", "v1beta/tunedModels", "GET", True),
    ("xai", "responses/resp_1", "DELETE", True),
]


@pytest.mark.parametrize(("provider", "rest", "method", "expected"), ACCOUNT)
def test_what_is_stored_under_an_account_is_told_from_what_everybody_sees(provider, rest, method, expected):
    assert reaches_account(resolve_upstream_path(provider, rest, method), method) is expected
