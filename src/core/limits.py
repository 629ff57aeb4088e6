"""Every bound in the system, each with its unit and its reason, and how they relate."""

REQUEST_BODY_BYTES_MAX = 10 * 1024 * 1024
"""A request body, copied once into the wasm heap: with its parse and its copy to the provider it stays far inside an
isolate's 128 MB, and a million tokens of text take about half of it."""

SSE_EVENT_BYTES_MAX = 8 * 1024 * 1024
"""One event of a stream; the largest real ones carry a base64 image. Reading one takes about three times its size."""

STREAM_WITHHELD_BYTES_MAX = 1024 * 1024
"""What a stream may pile up while it waits for the ledger, should the edge be unable to stop the provider meanwhile:
thousands of events, far more than arrive in the time a ledger takes to answer."""

assert SSE_EVENT_BYTES_MAX < REQUEST_BODY_BYTES_MAX
