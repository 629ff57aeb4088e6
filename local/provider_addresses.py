"""The official clients' own transports, with the mock providers at the addresses of the real ones."""

from typing import Any

import httpx2

PLACES = {"api.openai.com": "/openai", "api.anthropic.com": "/anthropic"}


def _moved(request: Any, mock_url: str) -> Any:
    place = PLACES.get(request.url.host)
    if place is not None:
        request.url = httpx2.URL(mock_url + place + request.url.raw_path.decode())
        request.headers["host"] = request.url.netloc.decode()
    return request


class MockProviders(httpx2.HTTPTransport):
    def __init__(self, mock_url: str) -> None:
        super().__init__()
        self._mock_url = mock_url

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return super().handle_request(_moved(request, self._mock_url))


class AsyncMockProviders(httpx2.AsyncHTTPTransport):
    def __init__(self, mock_url: str) -> None:
        super().__init__(limits=httpx2.Limits(max_connections=600))
        self._mock_url = mock_url

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await super().handle_async_request(_moved(request, self._mock_url))
