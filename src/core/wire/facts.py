"""What the core knows of a call, whatever its dialect: the request as parsed, the answer as read.

Dialects produce these values, pricing and metering consume them. They hold counts and names only, never a prompt.
"""

from dataclasses import dataclass, replace
from typing import Literal

from core.bounds import EARLIER_ANSWERS_MAX, SCOPE_ID_CHARACTERS_MAX
from core.money.usage import Usage

ThinkingAsked = Literal["unset", "off", "on", "hidden"]
"""What a request says of thinking. `hidden` asks the provider to leave it out of the answer, or has no place for it."""


@dataclass(frozen=True, slots=True)
class PromptSize:
    """What a request sends, sized without a tokenizer. Text is everything the model reads as text, tools and schemas
    included; media is counted apart because base64 bytes say nothing about its tokens."""

    text_tokens: int
    """Estimated high (`core.money.text_size`)."""
    images: int = 0
    image_sizes: tuple[tuple[int, int], ...] = ()
    """Width and height in pixels, of those images whose bytes tell."""
    audio_ms: int = 0
    """How long the audio input plays."""
    video_ms: int = 0
    """How long the films play, as often as they are looked at in a second."""
    pdf_pages: int = 0
    pdf_text_bytes: int = 0
    """Of the characters that those pages show: one or two for each."""
    has_cache_marks: bool = False
    """The caller asks for prompt-cache writes, which cost more than plain input."""
    has_long_cache_marks: bool = False
    """Among them marks with a lifetime of an hour."""
    hidden_inputs: int = 0
    """Inputs that this request only refers to (file ids, remote documents): of unknown size."""
    unsized_media: int = 0
    """Media in the request that does not tell how much it is."""
    earlier_answers: int = 0
    """Stored answers and conversations that the request continues and of which nobody said what they came to."""
    reads: int = 1
    """How often the model may read all of this for one answer, each time billed as input: more than once where it runs
    code, and then also what that printed."""

    @property
    def is_of_unknown_size(self) -> bool:
        """Something of it may fill the model's whole context window."""
        return bool(self.hidden_inputs or self.unsized_media or self.earlier_answers)


@dataclass(frozen=True, slots=True)
class ParsedCall:
    """A request body that costs money, read once."""

    model: str
    is_streaming: bool
    prompt: PromptSize
    output_tokens_max: int | None
    """The caller's own ceiling per answer; None where it set none."""
    answers: int = 1
    """How many answers are generated and billed for one prompt (`n`, `candidateCount`, prompts x `best_of`)."""
    has_output: bool = True
    """False for embeddings, which bill input only."""
    takes_ceiling: bool = True
    """False where nothing in the request can bound its output."""
    service_tier: str | None = None
    """`batch`, `flex`, `priority` … as the caller asked for it, or None."""
    wants_stream_usage: bool = False
    """An OpenAI-style stream for which the caller itself asked `include_usage`."""
    web_search_calls_max: int = 0
    """Searches the provider may run and bill for one answer, estimated high."""
    searches_without_tool: bool = False
    """A member of the request's own asks for them, or the model searches always."""
    tool_calls_max: int | None = None
    """The request's own bound on what the provider may run, to which not every provider is known to keep."""
    document_search_calls_max: int = 0
    """The same of attached documents, at a provider that searches them instead of reading them."""
    reading_tools: int = 0
    """How many of the prompt's hidden inputs are tools of the provider's that read what is not in the request."""
    thinking: ThinkingAsked = "unset"
    thinking_tokens: int = 0
    """A budget of thinking inside the output ceiling, below which the provider refuses to go."""
    form_tokens: int = 0
    """The shortest answer of the form that the request demands (a schema, a tool that has to be called), if it demands
    one: less of it is no use. An estimate."""
    unmetered_tools: tuple[str, ...] = ()
    """What the provider is asked to run that no usage reports and no price here covers, as the caller named it."""
    unshown_output_tokens: int = 0
    """Output that may be billed without ever being shown, such as a prediction the model rejects; estimated high."""
    earlier_answers: tuple[str, ...] = ()
    """Ids of answers or conversations that the provider stored and this call continues."""
    may_be_continued: bool = False
    """Its answer is stored at the provider, so that a later call may continue it."""
    stored_references: tuple[str, ...] = ()
    """Members that refer to what is stored under the provider's account (files, caches, tuned models, conversations
    and answers), as the caller named them."""

    @property
    def names_earlier_answers(self) -> bool:
        """It continues earlier answers, and says of each which."""
        ids = self.earlier_answers
        is_readable = len(ids) <= EARLIER_ANSWERS_MAX and all(len(each) <= SCOPE_ID_CHARACTERS_MAX for each in ids)
        return bool(ids) and is_readable and len(ids) == self.prompt.earlier_answers

    def with_remembered(self, tokens: int) -> "ParsedCall":
        """The call once it is known what the earlier answers it continues came to, all together."""
        prompt = replace(self.prompt, earlier_answers=0, text_tokens=self.prompt.text_tokens + tokens)
        return replace(self, prompt=prompt)


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """What a provider's complete answer says of itself."""

    usage: Usage | None
    """None when the answer carries no usage; a zero usage is `Usage()`."""
    model: str | None = None
    service_tier: str | None = None
    finish_reason: str | None = None
    answer_id: str | None = None
    """By which a later call may refer to this answer."""
    conversation_id: str | None = None
    """The stored conversation that this answer belongs to."""
    error_code: str | None = None
    """The provider's own error in place of an answer."""
    is_blocked: bool = False
    """The prompt was turned away before the model wrote anything: there is no output."""
