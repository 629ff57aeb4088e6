"""Webhooks on the genuine runtime: signed by the telemetry Worker, verified by the official library, and tried from the
edge by the way that alerts go."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from local.stack import Stack
from tests.runtime.sealed_tenant import Tenant, a_tenant

pytestmark = pytest.mark.stack


@dataclass
class Receiver:
    """A webhook's other end, which keeps the very bytes."""

    status: int = 200
    received: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)

    def __enter__(self) -> "Receiver":
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.received.append((body, {name.lower(): value for name, value in self.headers.items()}))
                self.send_response(receiver.status)
                self.end_headers()
                self.wfile.write(b"what the receiver says is nobody's business")

            def log_message(self, format: str, *args: object) -> None:
                """Nothing goes to the console."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def tenant(stack: Stack, receiver: Receiver) -> Tenant:
    return a_tenant(stack, webhook_url=receiver.url)


def tried(tenant: Tenant) -> dict[str, object]:
    answer = tenant.admin.post("/v1/webhooks/test", {})
    assert answer.status_code == 200, answer.text
    assert "nobody's business" not in answer.text
    (row,) = answer.json()["data"]
    assert row.pop("milliseconds") >= 0
    return dict(row)


def test_a_trial_is_signed_by_every_secret_that_is_good(tenant: Tenant, receiver: Receiver) -> None:
    secrets = [tenant.admin.post("/v1/webhooks/secret", {"overlap_s": 600}).json()["secret"] for _ in range(3)]

    assert tried(tenant) == {"id": "webhook", "result": "sent", "status": 200}

    ((body, headers),) = receiver.received
    for secret in secrets[1:]:
        assert Webhook(secret).verify(body, headers)["type"] == "alert.test"
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body.replace(b"arrive", b"perish"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets[0]).verify(body, headers)


def test_a_trial_without_a_secret_has_no_signature_and_says_what_it_met(tenant: Tenant, receiver: Receiver) -> None:
    receiver.status = 410

    assert tried(tenant) == {
        "id": "webhook",
        "result": "unusable receiver: it answers with status 410",
        "status": 410,
    }
    ((body, headers),) = receiver.received
    assert json.loads(body)["data"]["tenant"] == tenant.name
    assert "webhook-signature" not in headers and headers["webhook-id"].startswith("msg_")
