"""The telemetry Worker: batches go to the sink or, off the dead-letter queue, to
`dead_letters`, crons to upkeep or to replays and the weekly report, one log line each.

It decides nothing. A batch that returns normally acknowledges whatever has no verdict, so every
message gets one explicitly, and a fault of our own postpones them all.
"""

from typing import Any

import msgspec
from js import console
from workers import WorkerEntrypoint

import upkeep
import weekly_report
from bindings.ffi import object_to_js, platform_env
from core.routing.addresses import InvalidBaseURL
from dead_letters import keep, replay
from sink import take, tally
from verdicts import Postponed, Verdict, retry_delay_s
from worker_services import WorkerServices

# As in wrangler.toml.
DEAD_LETTER_QUEUE = "agentwatch-telemetry-dlq"
UPKEEP_CRON = "0 8 * * *"


class Default(WorkerEntrypoint):
    async def queue(self, batch: Any, env: Any = None, ctx: Any = None) -> None:
        messages = list(batch.messages)
        texts = [message.body if isinstance(message.body, str) else None for message in messages]
        verdicts: list[Verdict]
        deal_with = keep if batch.queue == DEAD_LETTER_QUEUE else take
        try:
            verdicts = await deal_with(texts, WorkerServices(platform_env()))
        except InvalidBaseURL as fault:
            verdicts = [Postponed(str(fault))] * len(messages)
        except Exception as fault:
            # Its kind only: what it says may quote a message.
            verdicts = [Postponed(f"fault: {type(fault).__name__}")] * len(messages)
        for message, verdict in zip(messages, verdicts, strict=True):
            if isinstance(verdict, Postponed):
                message.retry(object_to_js({"delaySeconds": retry_delay_s(message.attempts, verdict)}))
            else:
                message.ack()
            # The SDK's wrapper keeps all that was read of a message, and itself in a circle: its text would stay until
            # a full collection, which comes after some hundreds of them.
            vars(message).clear()
        _log({"event": "telemetry_batch", "queue": batch.queue, **tally(verdicts)})

    async def scheduled(self, controller: Any, env: Any = None, ctx: Any = None) -> None:
        services = WorkerServices(platform_env())
        if controller.cron == UPKEEP_CRON:
            done = await upkeep.run(services)
        else:
            done = {**await replay(services), **await weekly_report.run(int(controller.scheduledTime), services)}
        await upkeep.note_run(controller.cron, services)
        _log({"event": "telemetry_cron", "cron": controller.cron, **done})


def _log(line: dict[str, object]) -> None:
    console.log(msgspec.json.encode(line).decode())
