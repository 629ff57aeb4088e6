"""The architecture as a test: who may import whom, how long things may be, and that nothing lies about unused."""

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import refusals
from core.refusals import Refusal
from local.vars_check import secrets_in

ROOT = Path(__file__).resolve().parent.parent
IMPURE = {"asyncio", "time", "random", "uuid", "os", "logging", "secrets", "socket", "threading"}
FILE_LINES_MAX = 520
FUNCTION_LINES_MAX = 60

ORCHESTRATION = ("access", "call", "api")
"""Folders of the edge Worker that await ports and ask the core; each may import those before it."""

CORE_FOLDERS = ("money", "wire", "risk", "ledger", "tenant", "routing", "call")
"""Each may import those before it, and the core's own files, which belong to no folder."""

FILES_SIDE_BY_SIDE_MAX = 12

PYTHON_SDK_ROOT = ROOT / "sdk/python/src"
PYTHON_SDK = "sdk/python/src/agentwatch"

READABLE = ("src", "durable_objects", "queue_consumer", "local", "mock_llm", PYTHON_SDK)


def modules(*folders: str) -> list[Path]:
    return sorted(
        path for folder in folders for path in (ROOT / folder).rglob("*.py") if "python_modules" not in path.parts
    )


def imported(path: Path) -> set[str]:
    """The dotted names a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = ".".join((*_package(path, node.level), *([node.module] if node.module else [])))
            names |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return names


def _package(path: Path, level: int) -> tuple[str, ...]:
    """Where an import of so many dots begins; nowhere where it has none."""
    if not level:
        return ()
    root = next((root for root in (PYTHON_SDK_ROOT, ROOT / "src") if path.is_relative_to(root)), ROOT)
    parts = path.relative_to(root).parent.parts
    return parts[: len(parts) - level + 1]


def roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)}


@pytest.mark.parametrize("path", modules("src/core"), ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_the_core_imports_nothing_but_itself_the_standard_library_and_msgspec(path: Path) -> None:
    allowed = (set(sys.stdlib_module_names) - IMPURE) | {"core", "msgspec", "compression"}  # there from Python 3.14 on

    assert roots(path) <= allowed


@pytest.mark.parametrize("folder", CORE_FOLDERS)
def test_a_folder_of_the_core_imports_only_those_before_it(folder: str) -> None:
    later = {f"core.{name}" for name in CORE_FOLDERS[CORE_FOLDERS.index(folder) + 1 :]}

    assert {name for path in modules(f"src/core/{folder}") for name in imported(path)} & later == set()


def test_every_folder_of_the_core_has_its_place() -> None:
    folders = {path.name for path in (ROOT / "src/core").iterdir() if (path / "__init__.py").exists()}

    assert folders == set(CORE_FOLDERS)


def orchestration() -> list[Path]:
    return [*modules(*(f"src/{folder}" for folder in ORCHESTRATION)), *root_modules()]


def root_modules() -> list[Path]:
    """The edge Worker's files beside its folders: all but the composition root, which may import everything."""
    return sorted(path for path in (ROOT / "src").glob("*.py") if path.name != "entry.py")


@pytest.mark.parametrize("path", orchestration(), ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_the_orchestration_knows_no_platform(path: Path) -> None:
    ours = {*ORCHESTRATION, *(each.stem for each in root_modules()), "core", "msgspec"}

    assert roots(path) <= set(sys.stdlib_module_names) - (IMPURE - {"asyncio"}) | ours


@pytest.mark.parametrize("folder", ORCHESTRATION)
def test_a_folder_of_the_orchestration_imports_only_those_before_it(folder: str) -> None:
    later = {*ORCHESTRATION[ORCHESTRATION.index(folder) + 1 :], "app"}

    assert {root for path in modules(f"src/{folder}") for root in roots(path)} & later == set()


@pytest.mark.parametrize(
    "path", [path for path in modules("durable_objects") if path.stem != "object"], ids=lambda path: path.stem
)
def test_the_ledger_decides_without_the_platform(path: Path) -> None:
    allowed = (set(sys.stdlib_module_names) - IMPURE) | {"core", "durable_objects", "msgspec"}

    assert roots(path) <= allowed


def test_the_ledger_s_state_alone_writes_money_to_rows_and_memory() -> None:
    write = re.compile(r"\.(add_hold|put_hold|put_accounts|(holds|book)\.(put|remove))$")
    writers = {
        path.stem
        for path in modules("durable_objects")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and write.search(ast.unparse(node.func))
    }

    assert writers == {"state"}


@pytest.mark.parametrize("path", modules("src/bindings"), ids=lambda path: path.stem)
def test_adapters_decide_nothing_about_requests(path: Path) -> None:
    ours = {*ORCHESTRATION, *(each.stem for each in root_modules()), "durable_objects"}

    assert not roots(path) & (ours - {"ports", "exchange"})


@pytest.mark.parametrize("path", modules("local", "mock_llm"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_local_stack_never_uses_the_server_s_code(path: Path) -> None:
    assert not roots(path) & {*ORCHESTRATION, "core", "bindings", "durable_objects", "sink"}


def test_the_mock_providers_need_nothing_of_the_stack_they_serve() -> None:
    assert not {root for path in modules("mock_llm") for root in roots(path)} & {"local", "bench", "tests"}


@pytest.mark.parametrize("path", modules(PYTHON_SDK), ids=lambda path: str(path.relative_to(ROOT / PYTHON_SDK)))
def test_the_python_sdk_needs_nothing_but_itself_and_the_clients_it_watches(path: Path) -> None:
    watched = {"openai", "anthropic"} if "clients" in path.parts else set()
    shown = {"httpx", "rich", "typer"} if "cli" in path.parts else set()

    assert roots(path) <= set(sys.stdlib_module_names) | watched | shown | {"agentwatch", "_typeshed"}


@pytest.mark.parametrize(
    "path",
    [path for path in modules(PYTHON_SDK) if "cli" not in path.parts],
    ids=lambda path: str(path.relative_to(ROOT / PYTHON_SDK)),
)
def test_the_python_sdk_needs_nothing_of_its_command(path: Path) -> None:
    assert not any(name.split(".")[:2] == ["agentwatch", "cli"] for name in imported(path))


@pytest.mark.parametrize("path", modules("src/core/risk/finding"), ids=lambda path: path.stem)
def test_what_the_core_and_the_python_sdk_share_needs_the_standard_library_alone(path: Path) -> None:
    names = {name for name in imported(path) if not name.startswith("core.risk.finding")}

    assert {name.partition(".")[0] for name in names} <= set(sys.stdlib_module_names) - IMPURE


@pytest.mark.parametrize("path", modules(*READABLE), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_readable(path: Path) -> None:
    text = path.read_text()
    long_functions = [
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno > FUNCTION_LINES_MAX
    ]

    assert len(text.splitlines()) <= FILE_LINES_MAX
    assert long_functions == []


@pytest.mark.parametrize("path", modules(*READABLE), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


FOLDERS = sorted(
    {path.parent for path in modules("src", "durable_objects", "mock_llm", PYTHON_SDK)}
    - {ROOT / "src", ROOT / "mock_llm"}
)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_folder_says_what_lives_there_and_holds_no_more_than_one_can_see(folder: Path) -> None:
    files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    words = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""

    assert len(files) <= FILES_SIDE_BY_SIDE_MAX
    assert "comes in" in words.lower() and "never knows" in words


def test_no_file_of_the_workers_lies_about_unused() -> None:
    files = modules("src", "durable_objects", "queue_consumer")
    used = {name for path in files for name in imported(path)}
    entries = {"entry"}

    unused = [path for path in files if path.name != "__init__.py" and not _names(path) & (used | entries)]

    assert unused == []


def _names(path: Path) -> set[str]:
    """The dotted names under which a file can be imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return {".".join(parts), ".".join(parts[1:])}


def wide_excepts() -> Iterator[str]:
    for path in modules("src", "durable_objects", "queue_consumer"):
        for node in ast.walk(ast.parse(path.read_text())):
            is_wide = (
                isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Name) and node.type.id == "Exception"
            )
            if is_wide:
                yield str(path.relative_to(ROOT))


def test_surprises_are_caught_where_the_platform_calls_in_only() -> None:
    assert set(wide_excepts()) <= {"src/entry.py", "queue_consumer/entry.py", "durable_objects/object.py"}


@pytest.mark.parametrize("name", ["wrangler.toml", "queue_consumer/wrangler.toml"])
def test_no_secret_stands_among_the_vars_of_a_worker(name: str) -> None:
    assert secrets_in(tomllib.loads((ROOT / name).read_text())) == []


CATALOGUE = [(kind.code, kind.status, kind.type, kind.is_retryable) for kind in Refusal.__subclasses__()]


def test_the_errors_page_lists_every_refusal_as_it_is() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (\d+) \| `(\w+)` \| (yes|no) \|", (ROOT / "docs/errors.md").read_text(), re.MULTILINE
    )
    listed = [(code, int(status), kind, retryable == "yes") for code, status, kind, retryable in rows]

    assert sorted(listed) == sorted(CATALOGUE)


def test_the_refusals_tree_lists_every_refusal_as_it_is() -> None:
    rows = re.findall(r"^      \w+ +(\d+)  (\w+)(?: +(retryable))?", refusals.__doc__ or "", re.MULTILINE)

    assert sorted((code, int(status), bool(retryable)) for status, code, retryable in rows) == sorted(
        (code, status, is_retryable) for code, status, _, is_retryable in CATALOGUE
    )


def test_the_errors_page_shows_bodies_as_they_are_sent() -> None:
    shown = [
        json.loads(text) for text in re.findall(r"```json\n(.*?)```", (ROOT / "docs/errors.md").read_text(), re.DOTALL)
    ]
    sent = json.loads((ROOT / "tests/golden/refusals/budget_exhausted.json").read_text())["bodies"]

    assert shown == list(sent.values())
