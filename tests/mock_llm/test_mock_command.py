"""The command line."""

import signal
import socket
import subprocess
import sys

import httpx
import pytest

from mock_llm.writing.scripts import Script
from tests.mock_llm.conftest import ROOT
from tests.mock_llm.running_mock import ASK, KEYS

COMMAND = [sys.executable, "-m", "mock_llm"]


def run(*arguments):
    return subprocess.run([*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)


def test_help_lists_every_script_key():
    shown = run("--help").stdout

    assert [key for key in Script.__struct_fields__ if key not in shown] == []


def test_a_taken_port_is_said_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run("--port", str(taken.getsockname()[1]))

    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "cannot listen" in ended.stderr


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_hanging_call_does_not_keep_it_from_stopping_silently(stop):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([*COMMAND, "--port", "0"], cwd=ROOT, **pipes)
    url = process.stdout.readline().split()[4]
    body = {"model": "gpt-4o-mini", "stream": True, "messages": ASK}

    with httpx.stream(
        "POST", f"{url}/openai/v1/chat/completions", json=body, headers={**KEYS, "x-mock": "hang_after_tokens=2"}
    ):
        process.send_signal(stop)
        _, errors = process.communicate(timeout=5)

    assert errors == ""


def test_health_says_where_the_providers_are(mock):
    assert mock.get("health").json()["base_paths"]["groq"] == "/groq/openai/v1"
