"""Every example of docs/administration.md, from top to bottom, against a stack, as somebody would type it.

The stack is the page's own: the page states a discount for all tenants and leaves it.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.paths import ROOT
from local.stack import Stack

pytestmark = pytest.mark.stack

PAGE = (ROOT / "docs/administration.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
ANSWERS = re.compile(r"^# answers (\d{3})$", re.MULTILINE)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("page") / "state") as running:
        yield running


def statuses(heads: str) -> list[int]:
    """Of final answers: a curl that was told to go on has others before."""
    return [int(status) for status in re.findall(r"^HTTP/[0-9.]+ (\d{3})", heads, re.MULTILINE) if status != "100"]


def test_every_example_is_answered_as_the_page_says(stack: Stack, tmp_path: Path) -> None:
    place_programs(tmp_path / "bin")
    script = "\n".join(f"export BLOCK={number}\n{block}" for number, block in enumerate(BLOCKS))

    done = subprocess.run(
        ["bash", "-e", "-u", "-o", "pipefail", "-c", script], cwd=tmp_path, env=environment(stack, tmp_path),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=400,
    )  # fmt: skip

    reached = max((int(path.stem) for path in (tmp_path / "heads").iterdir()), default=0)
    assert done.returncode == 0, f"{BLOCKS[reached]}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
    for number, block in enumerate(BLOCKS):
        heads = tmp_path / "heads" / f"{number}.txt"
        seen = statuses(heads.read_text()) if heads.exists() else []
        wanted = ANSWERS.search(block)
        assert len(seen) == len(re.findall(r"\bcurl ", block)), block
        last = [int(wanted[1])] if wanted else []
        assert seen[len(seen) - len(last) :] == last, block
        assert [status for status in seen[: len(seen) - len(last)] if not 200 <= status < 300] == [], block


def test_every_kind_of_task_is_on_the_page() -> None:
    routes = set(re.findall(r"\$BASE(/v1/[a-z-]+)", PAGE))

    assert {"/v1/tenants", "/v1/keys", "/v1/budget", "/v1/teams", "/v1/sessions", "/v1/config", "/v1/prices"} <= routes
    assert {"/v1/rules", "/v1/failover", "/v1/provider-keys", "/v1/usage", "/v1/calls", "/v1/events"} <= routes
    assert {"/v1/webhooks", "/v1/dead-letters", "/v1/platform", "/v1/doctor"} <= routes


def place_programs(folder: Path) -> None:
    """curl that notes statuses beside what it prints, and the command of this checkout."""
    folder.mkdir()
    (folder.parent / "heads").mkdir()
    curl = shutil.which("curl")
    assert curl is not None, "the page's examples are curl's"
    wrapper = f'#!/bin/sh\n{curl} --silent --show-error --dump-header "$HEADS/$BLOCK.part" "$@"\nended=$?\n'
    wrapper += 'cat "$HEADS/$BLOCK.part" >> "$HEADS/$BLOCK.txt" && rm "$HEADS/$BLOCK.part"\nexit $ended\n'
    for name, text in (
        ("curl", wrapper),
        ("agentwatch", f'#!/bin/sh\nexec "{sys.executable}" -m agentwatch.cli "$@"\n'),
    ):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)


def environment(stack: Stack, folder: Path) -> dict[str, str]:
    operator = stack.tokens["operator"]
    made = httpx.post(
        f"{stack.edge_url}/v1/tenants",
        json={"tenant": "page"},
        headers={"authorization": f"Bearer {operator}"},
        timeout=60,
    )
    assert made.status_code == 201, made.text
    return {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "sdk/python/src"),
        "HOME": str(folder),
        "HEADS": str(folder / "heads"),
        "BASE": stack.edge_url,
        "OPERATOR": operator,
        "TOKEN": made.json()["admin_key"]["token"],
    }
