"""A secret in a file of its own that only its owner reads. It is written once and never replaced."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from .steps import StepFailed


@dataclass(frozen=True)
class SecretFile:
    path: Path

    def read(self) -> str:
        """Empty where there is none."""
        try:
            return self.path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise StepFailed(f"{self.path} cannot be read: {error}") from None

    def write(self, secret: str) -> None:
        """Whole, or not at all."""
        unfinished = self.path.with_name(f".{self.path.name}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            unfinished.unlink(missing_ok=True)
            number = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(f"{secret}\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(unfinished, self.path)
            unfinished.unlink()
        except OSError as error:
            raise StepFailed(f"{self.path} cannot be written: {error.strerror or error}") from None
