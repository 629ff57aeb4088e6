"""What becomes of a result that cannot be written. Whoever reads it may stop reading (`| head`): that ends the command
quietly. Any other fault is one, and the interpreter would report it too late for the exit code.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_GONE = (errno.EPIPE, errno.ESHUTDOWN, errno.EINVAL if os.name == "nt" else errno.EPIPE)


def is_reader_gone(error: OSError) -> bool:
    return error.errno in _GONE


@contextmanager
def ends_with_its_reader() -> Iterator[None]:
    """All that is written has left when this ends."""
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):
                forget(stream)


def forget(stream: object) -> None:
    """The interpreter flushes once more when it ends: into nowhere."""
    try:
        number = stream.fileno()  # type: ignore[attr-defined]  # None where the stream was closed from the beginning
    except (OSError, ValueError, AttributeError):
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), number)
