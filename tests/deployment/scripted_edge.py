"""The few routes of a deployed AgentWatch that `agentwatch init` asks, over HTTP, with what it was asked."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


class ScriptedEdge:
    """`operator_token` is asked for at each request: the Worker's secret may be set later."""

    def __init__(self, operator_token: Callable[[], str]) -> None:
        self.operator_token = operator_token
        self.tenants: list[str] = []
        self.admins: dict[str, str] = {}
        """Token to tenant."""
        self.loses_next_answer = False

    def __enter__(self) -> "ScriptedEdge":
        edge = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(length) or b"{}")
                token = (self.headers.get("authorization") or "").removeprefix("Bearer ")
                status, document = edge.answer(self.command, self.path, token, body)
                if self.command == "POST" and edge.loses_next_answer:
                    edge.loses_next_answer = False
                    self.close_connection = True
                    return
                content = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("x-agentwatch-request-id", "req_1")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = answer

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, method: str, path: str, token: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        is_operator = bool(token) and token == self.operator_token()
        match method, path.strip("/").split("/"):
            case "GET", ["v1", "whoami"] if is_operator:
                return 200, {"tenant": None, "role": "operator"}
            case "GET", ["v1", "whoami"] if token in self.admins:
                return 200, {"tenant": self.admins[token], "role": "admin"}
            case "POST", ["v1", "tenants"] if is_operator:
                self.tenants.append(body["tenant"])
                return 201, {"tenant": body["tenant"], "admin_key": {"token": self.new_admin(body["tenant"])}}
            case "GET", ["v1", "tenants", tenant] if is_operator:
                return (
                    (200, {"version": 1}) if tenant in self.tenants else (404, {"error": {"message": "no such tenant"}})
                )
            case "POST", ["v1", "tenants", tenant, "admin-key"] if is_operator:
                return 201, {"key_id": "key_2", "token": self.new_admin(tenant)}
        return 401, {"error": {"message": "the token is not known"}}

    def new_admin(self, tenant: str) -> str:
        token = f"aw_live_{len(self.admins) + 1:048x}"
        self.admins[token] = tenant
        return token
