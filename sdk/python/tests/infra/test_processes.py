"""Processes that fork, end, are many, or have greenlets: each as a process of its own, against an edge in this one."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import pytest
from scripted_edge import MUTE, Reply, ScriptedEdge

from agentwatch import AgentBudgetCheckUnavailable, AgentBudgetExceeded

TESTS = Path(__file__).resolve().parents[1]
PRELUDE = """
import os, sys, threading, time
from calls_made import a_guard, some_end, some_facts
url = sys.argv[1]

def call(guard, count=1):
    for _ in range(count):
        guard.begin(some_facts()).end(some_end())
"""

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

HANGING_SECONDS = 15.0
"""An exit that takes so long waits for something. It takes some two seconds at most; machines differ."""


def run(program: str, url: str, **environment: str) -> tuple[subprocess.CompletedProcess[str], float]:
    path = os.pathsep.join([str(TESTS), str(TESTS.parent / "src"), os.environ.get("PYTHONPATH", "")])
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PRELUDE + textwrap.dedent(program), url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )
    return done, time.monotonic() - began


def seconds_of_exit(done: subprocess.CompletedProcess[str], seconds: float) -> float:
    """Since the program's last line, which prints how long it took until there."""
    return seconds - float(done.stdout.split()[-1])


# Exit.

EXITING = """
import time
began = time.monotonic()
guard = a_guard(url, timeout_seconds=2.0)
call(guard, 300)
print(time.monotonic() - began, flush=True)
"""


def test_the_exit_sends_what_waits(edge: ScriptedEdge) -> None:
    done, seconds = run(EXITING, edge.url)

    assert (done.returncode, done.stderr) == (0, "")
    assert len(edge.reports) == 300
    assert seconds < HANGING_SECONDS


@pytest.mark.parametrize("how", ["down", "mute", "a byte a second"])
def test_the_exit_waits_for_no_edge_longer_than_its_time(edge: ScriptedEdge, how: str) -> None:
    edge.on_ingest = lambda _: MUTE if how == "mute" else Reply(200, body=b"Success" * 9, bytes_per_second=1)
    done, seconds = run(EXITING, "http://127.0.0.1:9" if how == "down" else edge.url)

    assert (done.returncode, done.stderr) == (0, "")
    assert seconds_of_exit(done, seconds) < HANGING_SECONDS
    if how == "down":
        assert seconds < HANGING_SECONDS


def test_a_call_in_an_exit_handler_that_runs_after_ours_is_reported(edge: ScriptedEdge) -> None:
    program = """
    import atexit
    from agentwatch.edge import registry
    guard = a_guard(url, enforcement_mode=True)
    atexit.unregister(registry.flush_at_exit)
    atexit.register(lambda: call(guard))
    atexit.register(registry.flush_at_exit)  # the last one registered is the first to run
    """
    done, _ = run(program, edge.url)

    assert (done.returncode, done.stderr) == (0, "")
    assert len(edge.checks) == len(edge.reports) == 1


def test_an_error_of_the_program_loses_no_report(edge: ScriptedEdge) -> None:
    done, _ = run("call(a_guard(url), 3)\nraise SystemExit(3)", edge.url)

    assert done.returncode == 3
    assert len(edge.reports) == 3


def test_interrupting_the_exit_ends_it(edge: ScriptedEdge) -> None:
    edge.on_ingest = lambda _: MUTE
    program = """
    import atexit, signal
    guard = a_guard(url, timeout_seconds=2.0)
    call(guard)
    atexit.register(lambda: threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start())
    print(0.0)
    """
    program = program.replace("    atexit.register(lambda: ", "    timer = ").replace(".start())", "")
    program += "    timer.daemon = True\n    timer.start()\n"
    done, seconds = run(program, edge.url)

    assert "Traceback" not in done.stderr
    assert seconds < HANGING_SECONDS


# Forks.


@forks
def test_a_fork_while_the_lock_is_held_sends_each_report_once(edge: ScriptedEdge) -> None:
    program = """
    import warnings
    warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
    guard = a_guard(url)
    sender = guard.connection.sender
    sender._sending.acquire()  # nothing goes out before the fork
    call(guard, 100)
    with sender._queue_lock:
        child = os.fork()
    if child == 0:
        call(guard, 5)
        os._exit(0 if guard.flush(5) and sender.taken == 5 else 1)
    sender._sending.release()
    call(guard, 10)
    assert guard.flush(5)
    assert os.waitpid(child, 0)[1] == 0
    """
    done, _ = run(program, edge.url)

    assert (done.returncode, done.stderr) == (0, "")
    ids = Counter(each["event_id"] for each in edge.reports)
    assert len(ids) == 115
    assert set(ids.values()) == {1}


@forks
def test_a_fork_while_every_other_lock_is_held_leaves_the_child_free(edge: ScriptedEdge) -> None:
    program = """
    import warnings
    from agentwatch.edge import registry
    warnings.simplefilter("ignore", DeprecationWarning)
    guard = a_guard(url, enforcement_mode=True)
    call(guard)
    connection = guard.connection
    with registry._process.lock, connection.breaker._lock, connection.edge._lock, connection.edge._workers._changed:
        child = os.fork()
        if child == 0:
            call(a_guard(url, enforcement_mode=True))
            os._exit(0 if guard.flush(5) else 1)
    assert os.waitpid(child, 0)[1] == 0
    """
    done, _ = run(program, edge.url)

    assert (done.returncode, done.stderr) == (0, "")
    assert len(edge.checks) == 2
    assert len({each["event_id"] for each in edge.reports}) == 2


@forks
def test_a_stream_that_is_open_at_the_fork_ends_in_its_own_process_alone(edge: ScriptedEdge) -> None:
    program = """
    import warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    guard = a_guard(url)
    stream = guard.begin(some_facts())
    child = os.fork()
    if child == 0:
        stream.end(some_end(outcome="client_disconnected"))
        os._exit(0 if guard.flush(2) else 1)
    os.waitpid(child, 0)
    stream.end(some_end())
    """
    done, _ = run(program, edge.url)

    assert (done.returncode, done.stderr) == (0, "")
    assert [each["outcome"] for each in edge.reports] == ["complete"]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_of_multiprocessing_send_their_reports(edge: ScriptedEdge, method: str, tmp_path: Path) -> None:
    if method == "fork" and not hasattr(os, "fork"):
        pytest.skip("no fork here")
    (tmp_path / "child_of_pool.py").write_text(
        "import multiprocessing, sys, warnings\n"
        "from calls_made import a_guard, some_end, some_facts\n"
        "from agentwatch import AgentBudgetExceeded\n"
        "def work(url):\n"
        "    a_guard(url).begin(some_facts()).end(some_end())\n"
        "def refused(number):\n"
        "    raise AgentBudgetExceeded('run-1', 5.0, 4.0)\n"
    )
    program = f"""
    import multiprocessing, warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    sys.path.insert(0, {str(tmp_path)!r})
    import child_of_pool
    if __name__ == "__main__":
        context = multiprocessing.get_context({method!r})
        work = [context.Process(target=child_of_pool.work, args=(url,)) for _ in range(2)]
        [each.start() for each in work]
        [each.join() for each in work]
        with context.Pool(1) as pool:
            try:
                pool.map(child_of_pool.refused, [1])
            except child_of_pool.AgentBudgetExceeded as error:
                print(error.session_id, error.spent, error.limit)
    """
    done, _ = run(program, edge.url, PYTHONPATH_EXTRA=str(tmp_path))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "run-1 5.0 4.0\n"
    assert len(edge.reports) == 2


@pytest.mark.parametrize(
    "error", [AgentBudgetExceeded("run-1", 5.25, 5.0), AgentBudgetCheckUnavailable("run-1", "time-out")]
)
def test_what_is_raised_can_be_sent_home(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))

    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


# Functions that are frozen, greenlets, imports.


def test_where_a_function_is_frozen_a_report_has_gone_when_its_call_returns(edge: ScriptedEdge) -> None:
    program = """
    guard = a_guard(url)
    call(guard)
    os._exit(0)  # as frozen as can be
    """
    done, _ = run(program, edge.url, AWS_LAMBDA_FUNCTION_NAME="handler")

    assert done.returncode == 0
    assert len(edge.reports) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_greenlets_ask_and_report(edge: ScriptedEdge, when: str) -> None:
    pytest.importorskip("gevent")
    patch = "import gevent.monkey; gevent.monkey.patch_all()\n"
    program = """
    import gevent
    import agentwatch.guard
    guard = a_guard(url, enforcement_mode=True)
    jobs = [gevent.spawn(call, guard, 5) for _ in range(20)]
    gevent.joinall(jobs, raise_error=True)
    assert guard.flush(5)
    """
    program = textwrap.dedent(program)
    program = patch + program if when == "before" else "import agentwatch.guard\n" + patch + program
    done, _ = run(program, edge.url)

    assert done.returncode == 0, done.stderr
    assert len(edge.reports) == len(edge.checks) == 100


def test_the_guard_imports_neither_client_nor_their_transport() -> None:
    program = """
    import agentwatch.guard
    found = {"openai", "anthropic", "httpx", "httpx2", "pydantic", "requests"} & sys.modules.keys()
    assert not found, found
    """
    done, _ = run(program, "http://127.0.0.1:9")

    assert (done.returncode, done.stderr) == (0, "")


def test_no_thread_and_no_connection_before_the_first_call(edge: ScriptedEdge) -> None:
    program = """
    guards = [a_guard(url, holds=True) for _ in range(100)]
    assert threading.active_count() == 1
    """
    done, _ = run(program, edge.url)

    assert (done.returncode, done.stderr) == (0, "")
    assert not edge.received
