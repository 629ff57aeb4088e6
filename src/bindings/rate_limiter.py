"""Cloudflare's rate limit binding: counted where the request came in, without a round trip."""

from typing import Any

from bindings.deadlines import RATE_LIMITER_MS, within
from bindings.ffi import JS_FAULTS, object_to_js


class StrangerLimiter:
    """Counts callers without a valid token. Without its binding, or when that fails, it lets everyone pass."""

    def __init__(self, binding: Any) -> None:
        self._binding = binding

    async def is_allowed(self, key: str) -> bool:
        if not self._binding:
            return True
        try:
            outcome = await within(RATE_LIMITER_MS, self._binding, "limit", object_to_js({"key": key}))
            return bool(outcome.success)
        except JS_FAULTS:
            return True
