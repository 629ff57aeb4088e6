"""The database of records over `fetch`: Supabase's REST interface, or a PostgREST of one's own under the same path.

Whose rows an answer holds is the token's to say: the rule easy to break is that no key of the deployment's own, which
would read every tenant's, ever stands in its place.
"""

from js import AbortSignal, fetch

from bindings.deadlines import RECORDS_MS
from bindings.ffi import JS_FAULTS, bytes_to_js, object_to_js, own_javascript
from core.bounds import ANSWER_BYTES_MAX, ANSWERS_BYTES_MAX
from ports import RecordsAnswer, RecordsUnreachable


class FetchRecords:
    """`Records` at an address; unreachable without one."""

    def __init__(self, url: str | None, anon_key: str | None) -> None:
        self._url = url
        self._anon_key = anon_key

    async def call(self, function: str, arguments: bytes, *, token: str) -> RecordsAnswer:
        if self._url is None:
            raise RecordsUnreachable
        headers = {
            "content-type": "application/json",
            "accept": "application/json",
            "apikey": self._anon_key or token,
            "authorization": f"Bearer {token}",
        }
        # A redirect would carry the token to another host: it is an answer like any other.
        init = object_to_js({"method": "POST", "headers": headers, "redirect": "manual"})
        init.body = bytes_to_js(arguments)
        init.signal = AbortSignal.timeout(RECORDS_MS)
        try:
            response = await fetch(f"{self._url}/rest/v1/rpc/{function}", init)
            body = own_javascript("bodies").Body.new(response.body)
            whole = await body.whole(ANSWER_BYTES_MAX, ANSWERS_BYTES_MAX)
        except JS_FAULTS as fault:
            raise RecordsUnreachable from fault
        if whole is None:
            body.discard()
            raise RecordsUnreachable
        return RecordsAnswer(response.status, bytes(whole.to_bytes()))
