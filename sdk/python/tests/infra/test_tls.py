"""Questions over TLS, directly and through a proxy's tunnel, against a certificate made for the test."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from calls_made import CANARY, a_guard, some_end, some_facts
from scripted_edge import MUTE, Reply, ScriptedEdge, scripted_edge

from agentwatch.edge import sockets
from agentwatch.edge.http import Edge
from agentwatch.protocol.question import Answer, Question, Unheard

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="nothing here makes certificates")

CHECK = Question(method="GET", path="/v1/budget-check?session_id=s")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of localhost in one file."""
    folder = tmp_path_factory.mktemp("tls")
    key, made, both = folder / "key.pem", folder / "made.pem", folder / "both.pem"
    asked = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    subprocess.run(
        [*asked.split(), "-keyout", str(key), "-out", str(made)],
        check=True,
        capture_output=True,
    )
    both.write_text(key.read_text() + made.read_text())
    return both


@pytest.fixture
def tls_edge(certificate: Path) -> Iterator[ScriptedEdge]:
    with scripted_edge() as edge:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        edge.server.socket = context.wrap_socket(edge.server.socket, server_side=True)
        edge.url = f"https://localhost:{edge.server.server_port}"
        yield edge


@pytest.fixture
def trusting(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "tls_context", lambda: ssl.create_default_context(cafile=str(certificate)))


def soon(seconds: float = 2.0) -> float:
    return time.monotonic() + seconds


def test_questions_and_reports_go_over_tls(tls_edge: ScriptedEdge, trusting: None) -> None:
    guard = a_guard(tls_edge.url, enforcement_mode=True, timeout_seconds=5)
    for _ in range(20):
        guard.begin(some_facts()).end(some_end())

    assert guard.flush(5)
    assert len(tls_edge.checks) == len(tls_edge.reports) == 20


def test_the_deadline_holds_over_tls(tls_edge: ScriptedEdge, trusting: None) -> None:
    ours = Edge(base_url=tls_edge.url, api_key=CANARY)
    tls_edge.on_check = lambda _: MUTE
    mute = ours.exchange(CHECK, deadline=soon(0.3))
    tls_edge.on_check = lambda _: Reply(200, {"exceeded": False}, bytes_per_second=20)
    slow = ours.exchange(CHECK, deadline=soon(0.3))

    assert mute == slow == Unheard(reason="time-out", is_sent=True)


def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent(tls_edge: ScriptedEdge) -> None:
    heard = Edge(base_url=tls_edge.url, api_key=CANARY).exchange(CHECK, deadline=soon())

    assert isinstance(heard, Unheard)
    assert "certificate" in heard.reason and not heard.is_sent
    assert not tls_edge.received


def test_a_machine_without_certificates_says_so_once_and_goes_on(
    tls_edge: ScriptedEdge, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "tls_context", lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    guard = a_guard(tls_edge.url, enforcement_mode=True)
    for _ in range(20):
        guard.begin(some_facts()).end(some_end())

    assert len(caplog.records) == 1
    assert "certificate" in caplog.text


def test_tls_goes_through_a_proxys_tunnel(
    tls_edge: ScriptedEdge, trusting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    heads: list[bytes] = []

    def serve() -> None:
        there, _ = listener.accept()
        heads.append(there.recv(4096))
        onward = socket.create_connection(("127.0.0.1", tls_edge.server.server_port))
        there.sendall(b"HTTP/1.1 200 Connection established\r\nvia: test\r\n\r\n")
        for source, sink in ((there, onward), (onward, there)):
            threading.Thread(target=pump, args=(source, sink), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    port = listener.getsockname()[1]
    monkeypatch.setenv("https_proxy", f"http://user:pass@127.0.0.1:{port}")

    ours = Edge(base_url=tls_edge.url, api_key=CANARY)
    heard = [ours.exchange(CHECK, deadline=soon()) for _ in range(3)]
    listener.close()

    assert all(isinstance(each, Answer) for each in heard)
    assert heads[0].startswith(f"CONNECT localhost:{tls_edge.server.server_port} HTTP/1.1\r\n".encode())
    assert b"Proxy-Authorization: Basic dXNlcjpwYXNz" in heads[0]
    assert CANARY.encode() not in heads[0]


def pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        return
