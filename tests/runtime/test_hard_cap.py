"""The hard cap on the genuine runtime, judged by the provider's journal."""

import httpx
import pytest

from tests.runtime.conftest import eventually

pytestmark = pytest.mark.stack

CHAT = "/v1/proxy/openai/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 40}


def test_a_client_that_leaves_is_settled_at_once_and_not_when_its_hold_expires(edge, run):
    headers = edge.headers(x_agentwatch_session_id=run, x_mock="output_tokens=2000;pace_ms=10", x_mock_tag=run)
    body = {**BODY, "max_tokens": 2_000, "stream": True}
    with httpx.stream("POST", edge.stack.edge_url + CHAT, json=body, headers=headers, timeout=60) as answer:
        next(answer.iter_bytes())

    assert eventually(lambda: edge.outcomes(run), bool) == ["client_disconnected"]
