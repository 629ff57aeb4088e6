"""The `Services` whose database is a real one; webhooks, documents and graves are lists."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from core.telemetry import CallRecord, to_wire
from services import Answer, Unreachable
from sink import take


@dataclass
class RestServices:
    url: str
    service_role_jwt: str
    allows_private_receivers: bool = False
    configs: dict[str, str] = field(default_factory=dict)
    webhook_answers: list[Answer] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    buried: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._client = httpx.Client(
            base_url=f"{self.url}/rest/v1/",
            headers={
                "authorization": f"Bearer {self.service_role_jwt}",
                "content-type": "application/json",
            },
        )

    def close(self) -> None:
        self._client.close()

    async def rest(self, path: str, body: str, *, prefer: str) -> Answer:
        try:
            answer = self._client.post(path, content=body, headers={"prefer": prefer})
        except httpx.TransportError as fault:
            raise Unreachable from fault
        return Answer(answer.status_code, answer.text)

    def now_ms(self) -> int:
        return 0

    async def post(self, url: str, body: str, headers: Mapping[str, str]) -> Answer:
        self.told.append((url, body))
        return self.webhook_answers.pop(0) if self.webhook_answers else Answer(200, "ok")

    async def tenant_config(self, tenant: str) -> str | None:
        return self.configs.get(tenant)

    async def bury(self, texts: Sequence[str]) -> None:
        self.buried += texts


def store(calls: Iterable[CallRecord], services: RestServices) -> None:
    """Have the sink store them all."""
    asyncio.run(take([to_wire(call) for call in calls], services))
    assert services.buried == []
