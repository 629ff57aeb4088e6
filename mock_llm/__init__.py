"""Mock providers: OpenAI, Anthropic, Gemini, Groq and xAI on their wire formats, and the truth.

Base paths, in place of each provider's public base URL:
  openai     /openai/v1       chat/completions, completions, responses, embeddings, models
  anthropic  /anthropic/v1    messages, messages/count_tokens, models; also chat/completions
  gemini     /gemini          v1 and v1beta: models, models/{model}:generateContent,
                              :streamGenerateContent, :countTokens, :embedContent,
                              :batchEmbedContents; OpenAI-style under v1beta/openai:
                              chat/completions, embeddings, models
  groq       /groq/openai/v1  chat/completions, responses, models
  xai        /xai/v1          chat/completions, responses, models

Any key is accepted, a missing one is not. GET /_mock/models lists models and prices. A model
called `unpriced-…` is sold by every provider, at $5 per million tokens in and $15 out.

A forced `tool_choice` (Gemini: mode `ANY`) is obeyed and a schema for the answer is kept to, with
made-up values that fit; a text that a script tells goes first.

What a request may ask for that hangs on money: OpenAI's `prediction`, whose tokens are billed as
output as far as the answer does not begin with them; Gemini's `fields=` (also `$fields=` and the
header `x-goog-fieldmask`) and `alt=json;enum-encoding=int`, which change the answer and not the bill.

Scripts: a call does what its `x-mock` header says: `key=value` pairs joined by semicolons,
values percent-encoded (`x-mock: output_tokens=50;pace_ms=20`). Without that header it takes the
first queued script that matches. POST /_mock/scripts queues {"script": "status=429", "provider",
"model", "tag", "times"}, all but `script` optional, `script` a text or an object; GET lists them,
DELETE drops them. A key that is unknown or cannot be followed is a 400 that names it.

What is written:
  output_tokens           visible tokens (30); the request's and the model's limits still hold
  reasoning_tokens        tokens of reasoning before them (0)
  audio_output_tokens     tokens of spoken answer, where the model sells them (0)
  content                 the text to write, literally, in place of words
  tool_calls              how many of the request's tools to call, in place of text
  tool                    the one of them to call, with these
  arguments               JSON, literally ({})

What is read (parts are taken out of the counted input; longer parts make it longer):
  input_tokens            the whole input, in place of the count
  cached_tokens           read from the prompt cache
  cache_write_5m_tokens   written to it for five minutes, or OpenAI's default lifetime
  cache_write_1h_tokens   written to it for an hour
  audio_input_tokens      spoken input
  tool_use_prompt_tokens  results of Gemini's own tools, on top of the input
  web_searches            searches the provider ran: Responses, Anthropic messages, native Gemini;
                          Anthropic bills the turns between them one by one

How it arrives:
  pace_ms                 time per token; 2 for a stream, 0 for a whole answer
  first_byte_delay_ms     time before the status line
  chunk_bytes             re-cut a stream into chunks of this size

What goes wrong (a number of tokens beyond the end means the end):
  status                  400 401 402 403 404 408 413 422 429 500 502 503 504 529, with the
                          provider's own body; any other from 200 to 599 with a `body`
  retry_after_s           the Retry-After of that answer; a 429 has 1 unless told, or a `body`
  headers                 `name: value`, one a line, in place of the answer's own of that name
  body                    the answer, literally, in place of the provider's; a stream's too, which
                          is JSON unless `headers` say otherwise
  cut_after_tokens        reset the connection, 0 before the status line; a whole answer is halved
  error_after_tokens      the provider's error event in a stream; a whole answer becomes a 500
  hang_after_tokens       then nothing more until the client leaves; 0 sends no status line
  after_prelude           these three after 0 tokens: in a stream, once all has been sent that comes
                          before the first token
  error_event             the error event, literally, in place of the provider's
  malformed               JSON that ends midway: of the body, or of the first event with a token
  usage                   real, missing, or zero (reported as zero, and billed as zero too)

Journal: GET /_mock/journal?provider=&model=&tag=&since= gives {"entries": […]}; `since` is in ms,
`tag` is the request's `x-mock-tag`. One entry: /_mock/journal/{id}; the bytes it received:
/_mock/journal/{id}/body. GET /_mock/journal/summary gives totals, by model and overall. DELETE
/_mock/journal forgets. The counts in `usage` never overlap. When a client leaves, the input and
what was generated by then are billed; a failed call bills nothing.
"""
