"""Profiles: addresses and tokens by name, in one JSON file of the user's configuration folder that only he can read.

The file is replaced as a whole, so that a crash leaves the old one; and whoever is to store something finds out that it
cannot be stored (`check`) before there is something to lose.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..failures import CommandFailed

FILE_NAME = "profiles.json"
DEFAULT_PROFILE = "default"


@dataclass(frozen=True)
class Profile:
    base_url: str
    token: str = field(repr=False)


def profiles_path(environment: Mapping[str, str]) -> Path | None:
    """Where profiles are kept; None where the user has no folder for it."""
    said = environment.get("XDG_CONFIG_HOME") or (environment.get("APPDATA") if os.name == "nt" else None)
    if said and Path(said).is_absolute():
        return Path(said) / "agentwatch" / FILE_NAME
    home = environment["HOME"] if "HOME" in environment else os.path.expanduser("~")
    if not Path(home).is_absolute():
        return None
    return Path(home) / ".config" / "agentwatch" / FILE_NAME


class ProfileStore:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._path = profiles_path(environment)

    @property
    def path(self) -> Path:
        if self._path is None:
            raise CommandFailed(
                "there is no home folder to keep profiles in",
                advice="set HOME or XDG_CONFIG_HOME, or give AGENTWATCH_BASE_URL and AGENTWATCH_API_KEY",
            )
        return self._path

    def read(self) -> dict[str, Profile]:
        """All profiles; none where there is no file or no folder."""
        if self._path is None:
            return {}
        try:
            text = self._path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise self._unusable("cannot be read", error) from None
        try:
            return {name: _profile(value) for name, value in json.loads(text)["profiles"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._unusable("is not what `agentwatch login` writes") from None

    def is_open_to_others(self) -> bool:
        """Can other users of the machine read the tokens?"""
        if self._path is None or os.name == "nt":
            return False
        try:
            return bool(self._path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
        except OSError:
            return False

    def check(self) -> None:
        """Raises `CommandFailed` if nothing could be stored."""
        self.read()
        unfinished = self._begun()
        unfinished.unlink()

    def put(self, name: str, profile: Profile) -> None:
        self._write({**self.read(), name: profile})

    def remove(self, name: str) -> bool:
        """Was there such a profile?"""
        profiles = self.read()
        if profiles.pop(name, None) is None:
            return False
        self._write(profiles)
        return True

    def _write(self, profiles: Mapping[str, Profile]) -> None:
        kept = {name: {"base_url": each.base_url, "token": each.token} for name, each in profiles.items()}
        unfinished = self._begun()
        try:
            with unfinished.open("w", encoding="utf-8") as file:
                json.dump({"profiles": kept}, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            # A link leads to where its owner keeps the file: it stays one.
            os.replace(unfinished, os.path.realpath(self.path))
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise self._unusable("cannot be written", error) from None

    def _begun(self) -> Path:
        """An empty file beside the real one, for its owner alone."""
        folder = Path(os.path.realpath(self.path)).parent
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            number, name = tempfile.mkstemp(prefix=".profiles-", dir=folder)
        except OSError as error:
            raise self._unusable("cannot be written", error) from None
        os.close(number)
        return Path(name)

    def _unusable(self, how: str, error: Exception | None = None) -> CommandFailed:
        why = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
        return CommandFailed(f"the profiles' file {self.path} {how}{why}", advice="repair it, or move it away")


def _profile(value: Any) -> Profile:
    base_url, token = value["base_url"], value["token"]
    if not isinstance(base_url, str) or not isinstance(token, str):
        raise TypeError
    return Profile(base_url, token)
