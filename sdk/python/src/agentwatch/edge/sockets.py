"""A TCP or TLS connection whose every step ends by one deadline, directly or through an HTTP proxy.

A socket's own time-out begins anew with each byte, so a peer that sends one a second keeps its reader for ever; here
what is left of the deadline is set before every step. Only resolving a name has no time-out at all: whoever must not
wait for that has it done in another thread.
"""

from __future__ import annotations

import functools
import io
import socket
import ssl
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

PROXY_HEAD_BYTES_MAX = 16 * 1024
_SEND_BYTES = 64 * 1024


class UnusableProxy(OSError):
    """The proxy that the environment names cannot be used, or refused."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a base URL points."""

    is_tls: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


def address_of(base_url: str) -> Address:
    parts = urlsplit(base_url)
    is_tls = parts.scheme == "https"
    return Address(
        is_tls=is_tls, host=parts.hostname or "", port=parts.port or (443 if is_tls else 80), path=parts.path
    )


@dataclass(frozen=True, kw_only=True)
class Proxy:
    host: str
    port: int
    authorization: str | None


def proxy_for(address: Address) -> Proxy | None:
    """The proxy that `HTTP(S)_PROXY`, `ALL_PROXY` and `NO_PROXY` name for an address, as the users' own clients do."""
    proxies = getproxies()
    named = proxies.get("https" if address.is_tls else "http") or proxies.get("all")
    if not named or proxy_bypass(f"{address.host}:{address.port}"):
        return None
    parts = urlsplit(named if "://" in named else f"http://{named}")
    if parts.scheme != "http" or not parts.hostname:
        raise UnusableProxy(f"a proxy of the kind {parts.scheme!r} is not supported")
    user = None if parts.username is None else f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    authorization = None if user is None else "Basic " + b64encode(user.encode()).decode("ascii")
    return Proxy(host=parts.hostname, port=parts.port or 80, authorization=authorization)


class TimedSocket:
    """As much of a socket as `http.client` asks for, each step within what is left until `deadline`."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self._readers = 0
        self._is_closing = False
        self.deadline = 0.0

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._inner.settimeout(left_until(self.deadline))
            view = view[self._inner.send(view[:_SEND_BYTES]) :]

    def recv_into(self, buffer: Any) -> int:
        self._inner.settimeout(left_until(self.deadline))
        return self._inner.recv_into(buffer)

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        self._readers += 1
        return io.BufferedReader(_Reading(self))

    def close(self) -> None:
        """`http.client` closes a connection that ends with its answer before that is read."""
        self._is_closing = True
        if not self._readers:
            self._inner.close()

    def reader_closed(self) -> None:
        self._readers -= 1
        if self._is_closing:
            self.close()


class _Reading(io.RawIOBase):
    """One answer's bytes. Closing it leaves the connection open for the next one."""

    def __init__(self, source: TimedSocket) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._source.recv_into(buffer)

    def close(self) -> None:
        if not self.closed:
            self._source.reader_closed()
        super().close()


def left_until(deadline: float) -> float:
    """Seconds. Raises `TimeoutError` where there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("time-out")
    return left


def connected(address: Address, proxy: Proxy | None, deadline: float) -> TimedSocket:
    """Raises `OSError`; nothing of a request has been sent then."""
    inner = _dialled((address.host, address.port) if proxy is None else (proxy.host, proxy.port), deadline)
    try:
        if address.is_tls:
            if proxy is not None:
                _open_tunnel(inner, address, proxy, deadline)
            context = tls_context()
            inner.settimeout(left_until(deadline))
            inner = context.wrap_socket(inner, server_hostname=address.host)
    except BaseException:
        inner.close()
        raise
    return TimedSocket(inner)


def _dialled(where: tuple[str, int], deadline: float) -> socket.socket:
    """Each address of a name gets its share of the time, so that one that is mute leaves some for the next."""
    try:
        found = socket.getaddrinfo(*where, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError("the host's name is none") from error
    failure: OSError = OSError("the host has no address")
    for position, (family, kind, protocol, _name, target) in enumerate(found):
        inner = socket.socket(family, kind, protocol)
        try:
            inner.settimeout(left_until(deadline) / (len(found) - position))
            inner.connect(target)
            inner.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return inner
        except OSError as error:
            inner.close()
            failure = error
    raise failure


def _open_tunnel(inner: socket.socket, address: Address, proxy: Proxy, deadline: float) -> None:
    host = f"[{address.host}]" if ":" in address.host else address.host
    target = f"{host}:{address.port}"
    login = f"Proxy-Authorization: {proxy.authorization}\r\n" if proxy.authorization else ""
    inner.settimeout(left_until(deadline))
    inner.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{login}\r\n".encode("ascii"))
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        inner.settimeout(left_until(deadline))
        # Byte by byte: what follows the head belongs to TLS.
        byte = inner.recv(1)
        head += byte
        if not byte or len(head) > PROXY_HEAD_BYTES_MAX:
            raise UnusableProxy("the proxy gave no answer")
    status = head.split(b" ", 2)[1:2]
    if status != [b"200"]:
        raise UnusableProxy(f"the proxy answered {b''.join(status)[:3].decode('ascii', 'replace')}")


@functools.cache
def tls_context() -> ssl.SSLContext:
    """One a process: reading the certificates costs some 25 ms."""
    return ssl.create_default_context()
