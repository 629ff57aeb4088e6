"""Questions over the network: kept connections, one deadline, proxies, TLS, and what can go wrong."""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from calls_made import CANARY
from scripted_edge import HANG_UP, MUTE, Received, Reply, ScriptedEdge

from agentwatch.edge import http as edge_http
from agentwatch.edge import sockets
from agentwatch.edge.http import Edge
from agentwatch.edge.workers import Workers
from agentwatch.protocol.question import Answer, Question, Unheard

CHECK = Question(method="GET", path="/v1/budget-check?session_id=s")


def soon(seconds: float = 1.0) -> float:
    return time.monotonic() + seconds


def an_edge(url: str) -> Edge:
    return Edge(base_url=url, api_key=CANARY)


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that is taken, and where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_questions_in_a_row_use_one_connection(edge: ScriptedEdge) -> None:
    asked_by = []
    get_request = edge.server.get_request

    def counted() -> tuple[socket.socket, object]:
        asked_by.append(1)
        return get_request()

    edge.server.get_request = counted  # type: ignore[method-assign]
    ours = an_edge(edge.url)

    answers = [ours.exchange(CHECK, deadline=soon()) for _ in range(20)]

    assert all(isinstance(each, Answer) and each.status == 200 for each in answers)
    assert len(asked_by) == 1


def test_the_token_goes_out_as_a_bearer_and_the_path_below_the_base(edge: ScriptedEdge) -> None:
    an_edge(f"{edge.url}/agentwatch").exchange(CHECK, deadline=soon())

    received = edge.received[0]
    assert received.path == "/agentwatch/v1/budget-check?session_id=s"
    assert received.headers["authorization"] == f"Bearer {CANARY}"


def test_a_kept_connection_that_was_closed_is_asked_again_on_a_new_one(edge: ScriptedEdge) -> None:
    ours = an_edge(edge.url)
    ours.exchange(CHECK, deadline=soon())
    edge.on_check = HangUpOnce()

    heard = ours.exchange(CHECK, deadline=soon())

    assert isinstance(heard, Answer)
    assert len(edge.checks) == 3


class HangUpOnce:
    def __init__(self) -> None:
        self.has_hung_up = False

    def __call__(self, _: Received) -> Reply | str:
        if self.has_hung_up:
            return Reply(200, {"exceeded": False})
        self.has_hung_up = True
        return HANG_UP


def test_a_new_connection_that_is_closed_is_not_asked_again(edge: ScriptedEdge) -> None:
    edge.on_check = lambda _: HANG_UP

    heard = an_edge(edge.url).exchange(CHECK, deadline=soon())

    assert isinstance(heard, Unheard) and heard.is_sent
    assert len(edge.checks) == 1


def test_a_refused_connection_sent_nothing() -> None:
    with closed_port() as port:
        heard = an_edge(f"http://127.0.0.1:{port}").exchange(CHECK, deadline=soon())

    assert isinstance(heard, Unheard)
    assert not heard.is_sent
    assert "refused" in heard.reason


def test_a_mute_edge_is_given_up_at_the_deadline(edge: ScriptedEdge) -> None:
    edge.on_check = lambda _: MUTE

    heard = an_edge(edge.url).exchange(CHECK, deadline=soon(0.2))

    assert heard == Unheard(reason="time-out", is_sent=True)


def test_a_byte_at_a_time_does_not_stretch_the_deadline(edge: ScriptedEdge) -> None:
    edge.on_check = lambda _: Reply(200, {"exceeded": False}, bytes_per_second=20)
    began = time.monotonic()

    heard = an_edge(edge.url).exchange(CHECK, deadline=soon(0.3))

    assert heard == Unheard(reason="time-out", is_sent=True)
    assert time.monotonic() - began < 0.8


def test_a_name_that_is_never_resolved_keeps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    is_over = threading.Event()
    monkeypatch.setattr(sockets.socket, "getaddrinfo", lambda *_, **__: is_over.wait(20) and [])

    heard = an_edge("http://edge.example.com").start(CHECK, timeout_seconds=0.1).wait()

    is_over.set()
    assert heard == Unheard(reason="time-out", is_sent=True)


def test_a_host_that_cannot_be_is_an_outage_and_no_crash() -> None:
    heard = an_edge(f"http://{'x' * 70}.example").exchange(CHECK, deadline=soon())

    assert isinstance(heard, Unheard)


NO_ANSWERS = {
    "nothing": b"",
    "garbage": b"\x00\x01garbage\r\n\r\n",
    "cut": b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{}",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200 + b"\r\n",
}


@pytest.mark.parametrize("raw", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_what_is_no_answer_is_heard_as_none(raw: bytes) -> None:
    with raw_server(raw) as url:
        heard = an_edge(url).exchange(CHECK, deadline=soon())

    assert isinstance(heard, Unheard)


def test_an_answer_that_ends_with_its_connection_is_read() -> None:
    with raw_server(b'HTTP/1.0 200 OK\r\n\r\n{"exceeded": true}') as url:
        heard = an_edge(url).exchange(CHECK, deadline=soon())

    assert isinstance(heard, Answer)
    assert heard.document() == {"exceeded": True}


def test_an_answer_without_an_end_is_not_collected() -> None:
    with raw_server(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 3_000_000) as url:
        heard = an_edge(url).exchange(CHECK, deadline=soon(5))

    assert isinstance(heard, Unheard)


def test_a_redirect_is_not_followed_with_the_token(edge: ScriptedEdge) -> None:
    edge.on_check = lambda _: Reply(302, None, {"location": f"{edge.url}/v1/holds"})

    heard = an_edge(edge.url).exchange(CHECK, deadline=soon())

    assert isinstance(heard, Answer) and heard.status == 302
    assert not edge.holds


@contextmanager
def raw_server(answer: bytes) -> Iterator[str]:
    """Answers each connection's first request with these bytes and closes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            while True:
                there, _ = listener.accept()
                with there:
                    there.recv(65536)
                    there.sendall(answer)
        except OSError:
            return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(2)


# Proxies.


def test_the_proxy_of_the_environment_is_used_for_its_scheme(
    edge: ScriptedEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", edge.url.replace("http://", "http://user:p%40ss@"))

    heard = an_edge("http://edge.example.com:8787").exchange(CHECK, deadline=soon())

    received = edge.received[0]
    assert isinstance(heard, Answer)
    assert received.path == "http://edge.example.com:8787/v1/budget-check?session_id=s"
    assert received.headers["host"] == "edge.example.com:8787"
    assert received.headers["proxy-authorization"] == "Basic dXNlcjpwQHNz"


def test_no_proxy_and_the_switch_go_direct(edge: ScriptedEdge, monkeypatch: pytest.MonkeyPatch) -> None:
    with closed_port() as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        through = an_edge(edge.url).exchange(CHECK, deadline=soon())
        switched_off = Edge(base_url=edge.url, api_key=CANARY, environment_proxies=False)
        direct = switched_off.exchange(CHECK, deadline=soon())
        monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
        excepted = an_edge(edge.url).exchange(CHECK, deadline=soon())

    assert isinstance(through, Unheard)
    assert isinstance(direct, Answer) and isinstance(excepted, Answer)


def test_a_proxy_of_the_providers_scheme_alone_is_not_ours(edge: ScriptedEdge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")

    assert isinstance(an_edge(edge.url).exchange(CHECK, deadline=soon()), Answer)


def test_a_kind_of_proxy_that_is_not_supported_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:9")

    heard = an_edge("http://edge.example.com").exchange(CHECK, deadline=soon())

    assert isinstance(heard, Unheard)
    assert "socks5" in heard.reason


def test_tls_goes_through_a_tunnel_that_is_refused_by_its_status(
    edge: ScriptedEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    with raw_server(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") as url:
        monkeypatch.setenv("https_proxy", url)
        heard = an_edge("https://edge.example.com").exchange(CHECK, deadline=soon())

    assert isinstance(heard, Unheard)
    assert heard.reason == "the proxy answered 407"
    assert not heard.is_sent


def test_a_peer_that_speaks_no_tls_sent_nothing(edge: ScriptedEdge) -> None:
    heard = an_edge(edge.url.replace("http:", "https:")).exchange(CHECK, deadline=soon())

    assert isinstance(heard, Unheard)
    assert not heard.is_sent


def test_the_certificates_are_read_once(monkeypatch: pytest.MonkeyPatch, edge: ScriptedEdge) -> None:
    made = []
    create = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda: made.append(1) or create())
    sockets.tls_context.cache_clear()

    for _ in range(3):
        an_edge(edge.url.replace("http:", "https:")).exchange(CHECK, deadline=soon())

    assert len(made) == 1


def test_what_hooks_every_request_of_a_process_sees_none_of_ours(
    edge: ScriptedEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def traced(*_: object, **__: object) -> None:
        raise AssertionError("seen")

    for name in ("__init__", "request", "putrequest", "putheader", "endheaders", "send", "getresponse"):
        monkeypatch.setattr(http.client.HTTPConnection, name, traced)
    monkeypatch.setattr(urllib.request, "urlopen", traced)

    assert isinstance(an_edge(edge.url).exchange(CHECK, deadline=soon()), Answer)


# Threads and loops.


def test_fifty_threads_ask_once_each(edge: ScriptedEdge) -> None:
    ours = an_edge(edge.url)
    heard: list[object] = []
    threads = [
        threading.Thread(target=lambda: heard.append(ours.start(CHECK, timeout_seconds=5).wait())) for _ in range(50)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sum(isinstance(each, Answer) for each in heard) == 50
    assert len(edge.checks) == 50
    assert len(ours._idle) <= edge_http.IDLE_CONNECTIONS_MAX


def test_a_loop_runs_on_while_a_mute_edge_is_asked(edge: ScriptedEdge) -> None:
    edge.on_check = lambda _: MUTE
    ours = an_edge(edge.url)

    async def main() -> tuple[object, int]:
        turns = 0
        asking = asyncio.ensure_future(ours.start(CHECK, timeout_seconds=0.3).wait_async())
        while not asking.done():
            await asyncio.sleep(0.005)
            turns += 1
        return asking.result(), turns

    heard, turns = asyncio.run(main())

    assert heard == Unheard(reason="time-out", is_sent=True)
    assert turns > 20


def test_loops_one_after_another_share_an_edge(edge: ScriptedEdge) -> None:
    ours = an_edge(edge.url)

    async def main() -> list[object]:
        return list(await asyncio.gather(*(ours.start(CHECK, timeout_seconds=5).wait_async() for _ in range(100))))

    heard = asyncio.run(main()) + asyncio.run(main()) + asyncio.run(main())

    assert all(isinstance(each, Answer) for each in heard)


def test_an_answer_to_a_loop_that_is_gone_disturbs_nobody(edge: ScriptedEdge, caplog: pytest.LogCaptureFixture) -> None:
    may_answer = threading.Event()
    edge.on_check = lambda _: (may_answer.wait(5) and Reply(200, {})) or MUTE
    over = threading.Event()
    ours = an_edge(edge.url)

    async def main() -> None:
        asking = ours.start(CHECK, timeout_seconds=5)
        asking.when_over(over.set)
        waiting = asyncio.ensure_future(asking.wait_async())
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(main())
    may_answer.set()

    assert over.wait(5)
    assert not caplog.records


def test_a_worker_serves_the_caller_where_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refused)
    workers: Workers[int] = Workers()

    assert workers.submit(lambda: 42).result(0) == 42


def test_idle_workers_are_used_before_new_ones_are_started() -> None:
    workers: Workers[int] = Workers()
    before = threading.active_count()

    for _ in range(200):
        workers.submit(lambda: 1).result(5)

    assert threading.active_count() - before <= 3
