"""The Workers' sealing, by WebCrypto, against another implementation of AES-GCM: each opens what the other has sealed,
and what was changed or moved opens nowhere."""

import base64
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.tenant.sealed.form import NONCE_BYTES, TAG_BYTES, bound_to
from local.paths import NODE

HARNESS = Path(__file__).with_name("sealing_harness.mjs")
KEY, OTHER_KEY = b"k" * 32, b"o" * 32
HERE, THERE = bound_to("acme", "provider_key:openai"), bound_to("other", "provider_key:openai")
TEXTS = ["", "sk-plain", "\ufeffschlüssel \U0001f511", "x" * 4_096]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def in_javascript(
    *,
    seal: Sequence[tuple[bytes, bytes, str]] = (),
    unseal: Sequence[tuple[bytes, bytes, bytes]] = (),
) -> tuple[list[bytes], list[str | None]]:
    given = {
        "seal": [(b64(key), b64(bound), text) for key, bound, text in seal],
        "unseal": [tuple(map(b64, each)) for each in unseal],
    }
    done = subprocess.run([NODE, HARNESS], input=json.dumps(given).encode(), capture_output=True, check=True)
    answered: dict[str, Any] = json.loads(done.stdout)
    return [base64.b64decode(box) for box in answered["boxes"]], answered["texts"]


def boxed(text: str, key: bytes = KEY, bound: bytes = HERE) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, text.encode(), bound)


def test_what_the_workers_seal_another_implementation_opens() -> None:
    boxes, _ = in_javascript(seal=[(KEY, HERE, text) for text in TEXTS])

    opened = [AESGCM(KEY).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], HERE).decode() for box in boxes]
    assert opened == TEXTS


def test_what_another_implementation_seals_the_workers_open() -> None:
    assert in_javascript(unseal=[(KEY, HERE, boxed(text)) for text in TEXTS])[1] == TEXTS


def test_nothing_opens_that_was_changed_anywhere() -> None:
    box = boxed("sk-plain")
    changed = [box[:at] + bytes([box[at] ^ 1]) + box[at + 1 :] for at in range(len(box))]
    cut = [box[:-1], box[: NONCE_BYTES + TAG_BYTES], box + b"\x00"]

    assert set(in_javascript(unseal=[(KEY, HERE, each) for each in (*changed, *cut)])[1]) == {None}


def test_nothing_opens_elsewhere_or_with_another_key() -> None:
    box = boxed("sk-plain")

    assert in_javascript(unseal=[(KEY, THERE, box), (OTHER_KEY, HERE, box)])[1] == [None, None]


def test_the_same_text_is_never_sealed_alike() -> None:
    boxes, _ = in_javascript(seal=[(KEY, HERE, "sk-plain")] * 50)

    assert len({box[:NONCE_BYTES] for box in boxes}) == 50
