"""A checkout of the project as `init` finds it: its two configurations, its migrations, and what it would deploy.

A configuration is changed in one place only, the line that is marked PLACEHOLDER, as text: whoever wrote comments and
settings into it finds them as they were.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from .steps import StepFailed

EDGE = "wrangler.toml"
TELEMETRY = "queue_consumer/wrangler.toml"
CONFIGS = (EDGE, TELEMETRY)

_ID = re.compile(r'^(id = ")([0-9a-f]{32})(")([ \t]*#[ \t]*PLACEHOLDER)?[ \t]*$', re.MULTILINE)
_MIGRATION = re.compile(r"([0-9]+)_(\w+)\.sql")
_DEPLOYED = ("src", "durable_objects", "queue_consumer", "tools/stage.py", "requirements/worker.txt", EDGE)
"""What the Workers are made of."""

_NOTES = ".local/deployed.json"


@dataclass(frozen=True)
class Migration:
    version: str
    name: str
    path: Path

    @property
    def title(self) -> str:
        return f"{self.version}_{self.name}"


@dataclass(frozen=True)
class Finished:
    """A deployment that came to its end: of which code, and where the Worker answers."""

    tag: str
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class Checkout:
    path: Path

    def check(self) -> None:
        """Raises `StepFailed` where the folder is none of ours, or is not set up."""
        if not all((self.path / name).is_file() for name in (*CONFIGS, "tools/stage.py")):
            raise StepFailed(f"{self.path} is no checkout of AgentWatch: run this in one, or name it with --project")
        if not (self.path / "python_modules").exists():
            raise StepFailed("the Workers' packages are missing: run `make setup` in the checkout first")

    def namespace_id(self, config: str) -> str | None:
        """As the configuration has it; None while the placeholder stands there."""
        found = _ID.search(self._text(config))
        if found is None:
            raise StepFailed(f'{config} has no line `id = "…"` of 32 hexadecimal digits for AGENTWATCH_KV')
        return None if found[4] else found[2]

    def put_namespace_id(self, config: str, namespace_id: str) -> None:
        """In place of the placeholder. Raises `StepFailed` where another id stands there."""
        present = self.namespace_id(config)
        if present not in (None, namespace_id):
            raise StepFailed(
                f"{config} names the KV namespace {present}, and this account's AGENTWATCH_KV is {namespace_id}: "
                "put the placeholder back (`git checkout`), or choose the other account with --account-id"
            )
        text = _ID.sub(lambda found: f"{found[1]}{namespace_id}{found[3]}", self._text(config), count=1)
        unfinished = (self.path / config).with_suffix(".part")
        unfinished.write_text(text)
        unfinished.replace(self.path / config)

    def migrations(self) -> tuple[Migration, ...]:
        """In their order."""
        found = ((path, _MIGRATION.fullmatch(path.name)) for path in sorted((self.path / "migrations").iterdir()))
        return tuple(Migration(match[1], match[2], path) for path, match in found if match is not None)

    def tag(self, config: str) -> str:
        """Names what would be deployed: another file or another byte, another tag."""
        digest = hashlib.sha256()
        for name in (*_DEPLOYED, config):
            place = self.path / name
            for path in sorted(place.rglob("*")) if place.is_dir() else (place,):
                if path.is_file() and not {"__pycache__", "python_modules"} & set(path.parts):
                    content = path.read_bytes()
                    digest.update(f"{path.relative_to(self.path)}\0{len(content)}\0".encode() + content)
        return f"init-{digest.hexdigest()[:16]}"

    def finished(self, config: str) -> Finished | None:
        """The last deployment of that Worker that was made from here and came to its end."""
        try:
            notes = json.loads((self.path / _NOTES).read_text())
            return Finished(str(notes[config]["tag"]), tuple(map(str, notes[config]["addresses"])))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def note_finished(self, config: str, finished: Finished) -> None:
        others = {each: self.finished(each) for each in CONFIGS if each != config}
        notes = {each: asdict(note) for each, note in {**others, config: finished}.items() if note is not None}
        path = self.path / _NOTES
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(notes, indent=2))

    def _text(self, config: str) -> str:
        return (self.path / config).read_text()
