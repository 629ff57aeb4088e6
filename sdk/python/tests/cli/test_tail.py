"""`tail`: each call once, whatever happens on the way."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
from cli.conftest import Cli, heeds_interrupts
from cli.scripted_api import HANG_UP, Received, Reply, ScriptedApi, a_call, refusal


def follows(api: ScriptedApi, *happens: Reply | str | None, calls: int = 3) -> None:
    """From the first page on things happen, calls come in, and then its token ends."""
    script = list(happens)
    numbers = iter(range(4, 4 + calls))

    def on_request(received: Received) -> Reply | str | None:
        if "after" not in received.query:
            return None
        if script:
            return script.pop(0)
        number = next(numbers, None)
        if number is None:
            return refusal(401, "invalid_token")
        api.calls.append(a_call(number))
        return None

    api.on_request = on_request


def shown(out: str) -> list[str]:
    return [json.loads(line)["request_id"] for line in out.splitlines()]


def test_each_call_is_shown_once_and_in_order(cli: Cli, api: ScriptedApi) -> None:
    follows(api)

    done = cli.run("tail", "--json", "-n", "2")

    assert (done.code, shown(done.out)) == (3, ["req_2", "req_3", "req_4", "req_5", "req_6"])


BUSY = Reply(429, refusal(429, "rate_limited").document, {"retry-after": "9"})
GONE = Reply(502, body=b"<html>", headers={"content-type": "text/html"})


@pytest.mark.parametrize(
    "happens", [[HANG_UP] * 4, [BUSY], [GONE] * 9, [HANG_UP, GONE, BUSY]], ids=["down", "busy", "long", "all"]
)
def test_it_goes_on_after_a_drop_without_gap_or_double(cli: Cli, api: ScriptedApi, happens: list[Reply | str]) -> None:
    follows(api, *happens)

    assert shown(cli.run("tail", "--json").out) == [f"req_{number}" for number in range(1, 7)]


def test_a_deployment_that_reads_no_records_is_not_waited_for(cli: Cli, api: ScriptedApi) -> None:
    api.on_request = lambda _: refusal(503, "records_unavailable")

    done = cli.run("tail")

    assert done.code == 6
    assert "records_unavailable" in done.err


def test_it_asks_no_sooner_than_it_may(cli: Cli, api: ScriptedApi, waited: list[float]) -> None:
    follows(api, BUSY)

    cli.run("tail", "--json")
    assert 9.0 in waited


def test_many_calls_at_once_are_read_at_once(cli: Cli, api: ScriptedApi, waited: list[float]) -> None:
    follows(api, None, calls=0)
    api.calls += [a_call(number) for number in range(4, 600)]

    assert len(shown(cli.run("tail", "--json", "-n", "3").out)) == 3
    api.on_request = lambda _: None
    follows(api, None, None, None, calls=0)
    api.calls = [a_call(1)]
    waited.clear()
    growing = api.on_request

    def grow(received: Received) -> Reply | str | None:
        if "after" not in received.query:
            return None
        if len(api.calls) == 1:
            api.calls.extend(a_call(number) for number in range(2, 452))
        return growing(received)

    api.on_request = grow
    assert len(shown(cli.run("tail", "--json").out)) == 451
    assert waited == [2.0, 2.0]


def test_filters_go_along_with_every_question(cli: Cli, api: ScriptedApi) -> None:
    follows(api)

    cli.run("tail", "--session", "run-1", "--outcome", "refused")
    assert all(each.query.items() >= {"session_id": "run-1", "outcome": "refused"}.items() for each in api.received)


def test_a_closed_pipe_ends_it_quietly(cli: Cli, api: ScriptedApi) -> None:
    """With the next call that it has to show: the first ones may all be in the pipe before its reader goes."""
    follows(api, calls=1_000)
    command = f'"{sys.executable}" -m agentwatch.cli tail --json | head -n 1; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(
        ["bash", "-c", f"{command}"], env=cli.whole({}), capture_output=True, text=True, timeout=60, check=False
    )

    line, code = done.stdout.splitlines()
    assert (json.loads(line)["request_id"], code, done.stderr) == ("req_1", "0", "")


def test_lines_are_seen_at_once_and_an_interrupt_ends_it(cli: Cli) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "agentwatch.cli", "tail", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=cli.whole({}), preexec_fn=heeds_interrupts,
    )  # fmt: skip
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert shown("".join(lines)) == ["req_1", "req_2", "req_3"]
    assert (process.returncode, err) == (130, "")
