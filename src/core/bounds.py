"""What a stranger may hand us, and what an isolate, a Ledger or the queue may hold: each bound with its unit and its
reason, and how they relate. A bound that one algorithm alone knows stands in its own file.
"""

REQUEST_BODY_BYTES_MAX = 32 * 1024 * 1024
"""A request body: as much as Anthropic takes, the most of the five."""

REQUEST_TEXT_BYTES_MAX = 10 * 1024 * 1024
"""What a body has beside media, which is what is decoded and sized. Two million tokens, the longest context there is,
are about as much."""

REQUEST_BODIES_BYTES_MAX = 40 * 1024 * 1024
"""All request bodies in one isolate at a time. Each is there once, and the one that is being changed twice. Measured in
workerd, a body of 31 MB makes the interpreter's 30 MB into 63; beside 15 MB of JavaScript, 117 MB is the most."""

OWN_BODY_BYTES_MAX = 1_000_000
"""A body for AgentWatch's own routes: a report with its lists of names, a change of a budget."""

SSE_EVENT_BYTES_MAX = 8 * 1024 * 1024
"""One event of a stream; the largest real ones carry a base64 image. Reading one takes about three times its size."""

ANSWER_BYTES_MAX = 4 * 1024 * 1024
"""An answer that is read whole: several times the longest text. It is in memory about four times, on the way into
Python and out again; a longer one (embeddings of many inputs, pictures) passes on, and its end is read."""

ANSWERS_BYTES_MAX = 12 * 1024 * 1024
"""All answers that this isolate is reading at once: four times this are less than half of its 128 MB."""

ANSWER_END_BYTES = 64 * 1024
"""What is kept of a long answer: every provider states the usage among its last members."""

STREAM_WITHHELD_BYTES_MAX = 1024 * 1024
"""What a stream may pile up while it waits for the ledger, should the edge be unable to stop the provider meanwhile:
thousands of events, far more than arrive in the time a ledger takes to answer."""

HOLD_TTL_MS_MAX = 3_600_000
"""How far ahead a hold may expire: beyond an hour without a sign of life nobody is coming back."""

OPEN_HOLDS_PER_TENANT_MAX = 10_000
"""Calls of one tenant in flight at once. They are kept in the ledger's memory, at about a kilobyte each."""

ACCOUNTS_IN_MEMORY_MAX = 5_000
"""Accounts the ledger keeps at hand, at about a kilobyte each; the others stay in their rows until they are used."""

REQUESTS_PER_MINUTE_MAX = 10_000_000
"""A request rate: one every six microseconds, the unit in which the ledger follows rates."""

TOKENS_PER_MINUTE_MAX = 10_000_000_000
"""A token rate: above what any account at a provider may ask for."""

KEYS_PER_TENANT_MAX = 5_000
"""Keys that are not revoked: a row each, and an account each in memory while they are in use."""

KEYS_PER_PAGE_MAX = 200

ORIGINS_PER_KEY_MAX = 20
"""Web pages that a key is for: it is read with every call of theirs."""

ORIGIN_CHARACTERS_MAX = 300
"""A host's name has at most 253."""

RATE_KEYS_MAX = 10_000
"""Keys whose request rate is followed at once. Only those that called within the last minute count."""

SCOPE_ID_CHARACTERS_MAX = 256
"""The longest name of a session, team, hold or event: it is part of a primary key."""

OUTBOX_MESSAGES_MAX = 100_000
"""Telemetry messages kept while the queue is away: about 100 MB of the object's storage."""

QUEUE_MESSAGE_BYTES_MAX = 128_000
"""What the queue takes as one message; a longer one would block all behind it for ever."""

ANSWERS_REMEMBERED_MAX = 20_000
"""Ids of earlier answers that a ledger knows, at about 150 bytes each. The oldest are forgotten: a call that continues
one is held for like one whose past nobody knows."""

MIRRORS_WAITING_MAX = 10_000
"""Sessions that wait for their KV mirror. A mirror is a cache: the oldest wait is given up."""

DOCUMENT_VERSIONS_MAX = 50
"""Versions that are kept of each kind of a tenant's documents."""

DOCUMENT_CHARACTERS_MAX = 250_000
"""One document: a row takes 2 MB, and every isolate parses it. Two hundred rules are about as much."""

RULES_MAX = 200
"""Rules of one tenant: all of them are asked of every call."""

EARLIER_ANSWERS_MAX = 8
"""Ids of earlier answers in one request. No API takes more than two."""

JSON_DEPTH_MAX = 64
"""How deeply JSON may be nested. Tool schemas reach some thirty; an interpreter in WebAssembly dies below 1,000."""

JSON_CONTAINERS_MAX = 100_000
"""Objects and lists in a request, at up to 250 bytes each when decoded. A thousand turns with a hundred tools have ten
thousand."""

JSON_MEMBERS_MAX = 200_000
"""Members of all objects in a request, at up to 200 bytes each."""

JSON_VALUES_MAX = 500_000
"""Values in a request. Prompts written as token numbers are the largest: providers take some 300,000."""

MEDIA_PIECES_MAX = 4_000
"""Pictures, sounds and files in the body of a request, at some 100 µs each. Gemini takes 3,600, others fewer."""

BODY_MEMBERS_MAX = 256
"""Members of a request itself. The richest dialect knows about sixty."""

assert SSE_EVENT_BYTES_MAX < REQUEST_BODY_BYTES_MAX < REQUEST_BODIES_BYTES_MAX
