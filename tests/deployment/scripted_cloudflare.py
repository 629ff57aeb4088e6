"""As much of Cloudflare's API as wrangler asks for when it sets AgentWatch up; what was made is kept in memory.

wrangler is told of it by CLOUDFLARE_API_BASE_URL.
"""

import json
import threading
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

ACCOUNT = "a" * 32
SUBDOMAIN = "acme"
NOT_FOUND = 10007


class ScriptedCloudflare:
    def __init__(self) -> None:
        self.namespaces: list[dict[str, Any]] = []
        self.queues: list[dict[str, Any]] = []
        self.secrets: dict[str, dict[str, str]] = {}
        self.versions: dict[str, list[dict[str, Any]]] = {}
        self.uploads: dict[str, dict[str, Any]] = {}
        """The last upload's metadata, by Worker."""
        self.unknown: list[str] = []
        """Requests that nothing here answers."""

    def __enter__(self) -> "ScriptedCloudflare":
        cloudflare = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                found = cloudflare.answer(self.command, self.path, body, self.headers.get("content-type") or "")
                content = json.dumps(_envelope(found)).encode()
                self.send_response(404 if found is None else 200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = answer

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

    def answer(self, method: str, target: str, body: bytes, content_type: str) -> Any:
        """The result, or None for 404."""
        parts = urlsplit(target)
        query = parse_qs(parts.query)
        path = parts.path.strip("/").split("/")
        if path[:1] != ["accounts"] or path[1:2] not in ([], [ACCOUNT]):
            return self._of_user(path)
        match method, path[2:]:
            case "GET", []:
                return [{"id": ACCOUNT, "name": "Acme"}]
            case "GET", ["storage", "kv", "namespaces"]:
                return self.namespaces if query.get("page", ["1"]) == ["1"] else []
            case "POST", ["storage", "kv", "namespaces"]:
                title = json.loads(body)["title"]
                self.namespaces.append({"id": f"{len(self.namespaces) + 1:032x}", "title": title})
                return self.namespaces[-1]
            case "GET", ["queues"]:
                return [each for each in self.queues if each["queue_name"] in query.get("name", [each["queue_name"]])]
            case "POST", ["queues"]:
                self.queues.append(_queue(json.loads(body)["queue_name"], len(self.queues) + 1))
                return self.queues[-1]
            case _, ["queues", queue_id, "consumers"]:
                return [] if method == "GET" else {"queue_id": queue_id}
            case "GET", ["workers", "subdomain"]:
                return {"subdomain": SUBDOMAIN}
            case _, ["workers", kind, worker, *rest]:
                return self._of_worker(method, kind, worker, rest, body, content_type)
        self.unknown.append(f"{method} {parts.path}")
        return None

    def _of_user(self, path: list[str]) -> Any:
        answers = {
            "user": {"id": "u", "email": "a@example.com"},
            "memberships": [{"id": "m", "account": {"id": ACCOUNT, "name": "Acme"}, "roles": []}],
            "user/tokens/verify": {"id": "t", "status": "active"},
        }
        return answers.get("/".join(path))

    def _of_worker(self, method: str, kind: str, worker: str, rest: list[str], body: bytes, content_type: str) -> Any:
        if method == "PUT" and kind == "scripts" and rest == []:
            return self._uploaded(worker, body, content_type)
        if worker not in self.versions:
            return None
        secrets = self.secrets.setdefault(worker, {})
        match method, kind, rest:
            case "GET", "services", []:
                return {
                    "id": worker,
                    "default_environment": {"script": {"tag": worker, "last_deployed_from": "wrangler"}},
                }
            case "GET", "workers", []:
                return {"id": worker, "name": worker, "subdomain": {"enabled": False, "previews_enabled": False}}
            case "GET", "scripts", ["settings"]:
                return {"bindings": [], "migration_tag": "v1"}
            case "POST", "scripts", ["versions"]:
                return self._uploaded(worker, body, content_type)
            case "GET", "scripts", ["secrets"]:
                return [{"name": name, "type": "secret_text"} for name in secrets]
            case "PATCH", "scripts", ["secrets-bulk"]:
                secrets.update({name: each["text"] for name, each in json.loads(body)["secrets"].items()})
                self._add_version(worker, {"workers/triggered_by": "secret"})
                return {}
            case "GET", "scripts", ["versions"]:
                return {"items": self.versions[worker]}
            case "GET", "scripts", ["deployments"]:
                return {"deployments": []}
            case _, "scripts", ["subdomain"]:
                return {"enabled": True, "previews_enabled": True}
            case _, "scripts", ["schedules" | "script-settings" | "routes"]:
                return {}
        self.unknown.append(f"{method} {kind}/{worker}/{'/'.join(rest)}")
        return None

    def _uploaded(self, worker: str, body: bytes, content_type: str) -> Any:
        form = BytesParser(policy=HTTP).parsebytes(f"content-type: {content_type}\r\n\r\n".encode() + body)
        named = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
        metadata = json.loads(named["metadata"].get_payload(decode=True))
        self.uploads[worker] = {**metadata, "parts": sorted(str(name) for name in named)}
        return {
            "id": worker,
            "etag": "e",
            "startup_time_ms": 1,
            "deployment_id": self._add_version(worker, metadata.get("annotations") or {}),
            "mutable_pipeline_id": worker,
            "tag": worker,
        }

    def _add_version(self, worker: str, annotations: dict[str, Any]) -> str:
        versions = self.versions.setdefault(worker, [])
        number = len(versions) + 1
        version_id = f"00000000-0000-4000-8000-{number:012x}"
        created = {
            "created_on": f"2026-11-27T00:00:{number:02}Z",
            "source": "wrangler",
            "author_email": "a@example.com",
        }
        versions.append({"id": version_id, "number": number, "metadata": created, "annotations": annotations})
        return version_id


def _queue(name: str, number: int) -> dict[str, Any]:
    moment = "2026-11-27T00:00:00Z"
    return {
        "queue_id": f"{number:032x}", "queue_name": name, "created_on": moment, "modified_on": moment,
        "producers": [], "producers_total_count": 0, "consumers": [], "consumers_total_count": 0,
    }  # fmt: skip


def _envelope(found: Any) -> dict[str, Any]:
    if found is None:
        error = {"code": NOT_FOUND, "message": "workers.api.error.script_not_found"}
        return {"success": False, "errors": [error], "messages": [], "result": None}
    count = len(found) if isinstance(found, list) else 1
    paging = {"page": 1, "per_page": 100, "count": count, "total_count": count, "total_pages": 1}
    return {"success": True, "errors": [], "messages": [], "result": found, "result_info": paging}
