"""A view of the running mock that sees only the calls of one test."""

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import anthropic
import groq
import httpx
import openai
from google import genai
from google.genai import types

ENDED_WITHIN_S = 5.0
KEY = "sk-of-the-test"


@dataclass(frozen=True)
class Mock:
    """The running mock, seen through one test's tag."""

    url: str
    tag: str
    http: httpx.Client

    def headers(self, **script: object) -> dict[str, str]:
        header = ";".join(f"{key}={quote(str(value))}" for key, value in script.items())
        return {"x-mock-tag": self.tag, **({"x-mock": header} if script else {})}

    def openai(self, base: str = "/openai/v1", **script: object) -> openai.OpenAI:
        return openai.OpenAI(
            base_url=self.url + base,
            api_key=KEY,
            max_retries=0,
            default_headers=self.headers(**script),
        )

    def anthropic(self, **script: object) -> anthropic.Anthropic:
        return anthropic.Anthropic(
            base_url=self.url + "/anthropic",
            api_key=KEY,
            max_retries=0,
            default_headers=self.headers(**script),
        )

    def gemini(self, **script: object) -> genai.Client:
        options = types.HttpOptions(base_url=self.url + "/gemini", headers=self.headers(**script))
        return genai.Client(api_key=KEY, vertexai=False, http_options=options)

    def groq(self, **script: object) -> groq.Groq:
        return groq.Groq(
            base_url=self.url + "/groq",
            api_key=KEY,
            max_retries=0,
            default_headers=self.headers(**script),
        )

    def post(self, path: str, body: dict[str, Any], **script: object) -> httpx.Response:
        """A plain call with every provider's way to send a key."""
        keys = {"authorization": f"Bearer {KEY}", "x-api-key": KEY, "x-goog-api-key": KEY}
        headers = {**keys, "anthropic-version": "2023-06-01", **self.headers(**script)}
        return self.http.post(self.url + path, json=body, headers=headers)

    def entries(self) -> list[dict[str, Any]]:
        found = self.http.get(f"{self.url}/_mock/journal", params={"tag": self.tag})
        entries: list[dict[str, Any]] = found.json()["entries"]
        return entries

    def entry(self) -> dict[str, Any]:
        """The test's only call, once it has ended."""
        deadline_s = time.monotonic() + ENDED_WITHIN_S
        while True:
            (entry,) = self.entries()
            if entry["ended"] != "running":
                return entry
            assert time.monotonic() < deadline_s, "the call does not end"
            time.sleep(0.01)

    def wait_until_running(self) -> None:
        """Returns once the test's call has been accepted and is being answered."""
        deadline_s = time.monotonic() + ENDED_WITHIN_S
        while self.summary()["totals"]["running"] == 0:
            assert time.monotonic() < deadline_s, "the call does not begin"
            time.sleep(0.01)

    def summary(self) -> dict[str, Any]:
        found = self.http.get(f"{self.url}/_mock/journal/summary", params={"tag": self.tag})
        summary: dict[str, Any] = found.json()
        return summary
