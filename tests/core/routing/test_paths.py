"""What a caller writes behind a provider's name ends as one canonical path with one price class."""

import pytest

from core.refusals import MethodNotAllowed, RouteNotFound
from core.routing.paths import dialect_of_errors, reaches_account, resolve_upstream_path

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
    ("openai", "v1/v1/chat/completions", "chat/completions", "openai_chat"),
    ("anthropic", "v1/v1/messages", "messages", "anthropic_messages"),
    ("groq", "openai/v1/openai/v1/chat/completions", "chat/completions", "openai_chat"),
    ("groq", "v1/openai/v1/chat/completions", "chat/completions", "openai_chat"),
    ("gemini", "v1beta/v1beta/models/g:generateContent", "v1beta/models/g:generateContent", "gemini"),
    ("gemini", "v1/v1beta/models/g:generateContent", "v1beta/models/g:generateContent", "gemini"),
    ("gemini", "v1beta/v1beta/openai/v1/chat/completions", "v1beta/openai/chat/completions", "openai_chat"),
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
    ("gemini", "download/v1beta/files/f:download", "GET"),
    ("openai", "v1/moderations", "POST"),
    ("openai", "v1/responses/input_tokens", "POST"),
    ("openai", "v1/responses/resp_1/cancel", "POST"),
    ("openai", "v1/batches/b/cancel", "POST"),
    ("openai", "v1/fine_tuning/jobs/j/cancel", "POST"),
    ("openai", "v1/vector_stores/v/file_batches/b/cancel", "POST"),
    ("openai", "v1/conversations", "POST"),
    ("openai", "v1/conversations/c", "POST"),
    ("openai", "v1/conversations/c/items", "POST"),
    ("anthropic", "v1/messages/batches/b/cancel", "POST"),
    ("groq", "openai/v1/batches/b/cancel", "POST"),
    ("xai", "v1/batches/b:cancel", "POST"),
    ("gemini", "v1beta/batches/b:cancel", "POST"),
    ("gemini", "v1beta/tunedModels/t/operations/o:cancel", "POST"),
    ("gemini", "v1beta/openai/batches/b/cancel", "POST"),
]


@pytest.mark.parametrize(("provider", "rest", "method"), FREE)
def test_reading_counting_and_ending_are_free(provider: str, rest: str, method: str) -> None:
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
    ("gemini", "upload/v1beta/files"),
    ("openai", "fine_tuning/jobs/j/resume"),
    ("openai", "cancel"),
    ("openai", "x/j/cancel"),
    ("gemini", "v1beta/x/b:cancel"),
    ("gemini", "upload/v1beta/files:countTokens"),
    ("gemini", "v1beta/cachedContents/x:countTokens"),
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
    ("groq", "openai/v1/models/openai%2Fgpt-oss-120b", "GET", False),
    ("groq", "openai/v1/models/openai/gpt-oss-120b", "HEAD", False),
    ("openai", "models/x/checkpoints", "GET", True),
    ("gemini", "v1beta/models/x/operations/o", "GET", True),
    ("openai", "moderations", "POST", False),
    ("openai", "responses/input_tokens", "POST", False),
    ("openai", "responses/resp_1/cancel", "POST", True),
    ("openai", "conversations", "POST", True),
    ("anthropic", "v1/messages/batches/b/cancel", "POST", True),
    ("gemini", "v1beta/batches/b:cancel", "POST", True),
    ("gemini", "v1beta/openai/batches/b/cancel", "POST", True),
]


@pytest.mark.parametrize(("provider", "rest", "method", "expected"), ACCOUNT)
def test_what_is_stored_under_an_account_is_told_from_what_everybody_sees(provider, rest, method, expected):
    assert reaches_account(provider, resolve_upstream_path(provider, rest, method), method) is expected


def test_what_is_moved_to_google_keeps_the_path_of_its_own() -> None:
    assert resolve_upstream_path("gemini", "upload/v1beta/files", "POST").path == "upload/v1beta/files"


ERRORS = [
    ("gemini", "v1beta/cachedContents", "gemini"),
    ("gemini", "v1beta/files/f", "gemini"),
    ("gemini", "upload/v1beta/files", "gemini"),
    ("gemini", "v1beta/operations/o", "gemini"),
    ("gemini", "v1beta/v1beta/models/g:generateContent", "gemini"),
    ("gemini", "v1beta/openai/models", "openai_chat"),
    ("gemini", "v1beta/openai/images/generations", "openai_chat"),
    ("gemini", "chat/completions", "openai_chat"),
    ("anthropic", "v1/v1/messages", "anthropic_messages"),
    ("anthropic", "v1/models", "anthropic_messages"),
    ("anthropic", "v1/chat/completions", "openai_chat"),
    ("xai", "v1/messages", "anthropic_messages"),
    ("xai", "v1/messages/count_tokens", "anthropic_messages"),
    ("xai", "v1/chat/completions", "openai_chat"),
    ("groq", "openai/v1/models", "openai_chat"),
]


@pytest.mark.parametrize(("provider", "rest", "dialect"), ERRORS)
def test_errors_are_told_in_the_path_s_own_form(provider: str, rest: str, dialect: str) -> None:
    assert dialect_of_errors(provider, rest) == dialect
