"""A view of the running mock that sees only the calls of one test."""

import time
from dataclasses import dataclass
from urllib.parse import quote

import anthropic
import groq
import httpx
import openai
import pytest
from google import genai
from google.genai import types

ENDED_WITHIN_S = 5.0
KEY = "sk-of-the-test"
KEYS = {"authorization": f"Bearer {KEY}", "x-api-key": KEY, "x-goog-api-key": KEY}
"""Every provider's way to send a key."""

ASK = [{"role": "user", "content": "Say something about rivers."}]
CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
"""A schema."""

both_ways = pytest.mark.parametrize("is_stream", [False, True], ids=["json", "stream"])


def cases(names, table):
    """A parametrization whose rows begin with their own name."""
    return pytest.mark.parametrize(names, [row[1:] for row in table], ids=[row[0] for row in table])


def has(actual, expected):
    """Whether a JSON document has what is expected of it, and perhaps more members."""
    if isinstance(expected, dict):
        return isinstance(actual, dict) and all(has(actual.get(name), value) for name, value in expected.items())
    if isinstance(expected, list):
        return len(actual) == len(expected) and all(map(has, actual, expected))
    return actual == expected


@dataclass(frozen=True)
class Mock:
    """The running mock, seen through one test's tag."""

    url: str
    tag: str
    http: httpx.Client

    def headers(self, **script):
        header = ";".join(f"{key}={quote(str(value))}" for key, value in script.items())
        return {"x-mock-tag": self.tag, **({"x-mock": header} if script else {})}

    def openai(self, base="/openai/v1", **script):
        return self._client(openai.OpenAI, base, script)

    def anthropic(self, **script):
        return self._client(anthropic.Anthropic, "/anthropic", script)

    def groq(self, **script):
        return self._client(groq.Groq, "/groq", script)

    def gemini(self, **script):
        options = types.HttpOptions(base_url=self.url + "/gemini", headers=self.headers(pace_ms=0, **script))
        return genai.Client(api_key=KEY, vertexai=False, http_options=options)

    def _client(self, kind, base, script):
        headers = self.headers(pace_ms=0, **script)
        return kind(base_url=self.url + base, api_key=KEY, max_retries=0, default_headers=headers)

    def post(self, path, body, /, **script):
        headers = {**KEYS, "anthropic-version": "2023-06-01", **self.headers(**script)}
        return self.http.post(self.url + path, json=body, headers=headers)

    def get(self, path, **query):
        return self.http.get(f"{self.url}/_mock/{path}", params={"tag": self.tag, **query})

    def entries(self, **query):
        return self.get("journal", **query).json()["entries"]

    def entry(self):
        """The test's only call, once it has ended."""
        deadline_s = time.monotonic() + ENDED_WITHIN_S
        while True:
            (entry,) = self.entries()
            if entry["ended"] != "running":
                return entry
            assert time.monotonic() < deadline_s, "the call does not end"
            time.sleep(0.01)
