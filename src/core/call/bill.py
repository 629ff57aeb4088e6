"""What a stream has cost so far: the provider's counts as far as they go, our estimate since.

Generated text is sized on running totals, and never below one token for each event that carried
some. A provider's final count replaces the estimate, a zero included. A count in mid-stream
replaces it too where it is plausible; where it is not (some providers repeat a placeholder), the
estimate goes on. Estimates err high: what a provider bills for a stream that was cut must not
exceed its charge.

Sizing text is the dearest thing done for an event, so it is done only when it can matter: a token
is never shorter than a byte, and the bytes added since the last sizing bound the cost from above.
"""

from dataclasses import replace

from core.call.prompt_tokens import search_tokens
from core.money.amount import UNITS_PER_RATE, cost_of_units
from core.money.price_book import STANDARD, Price
from core.money.pricing import cost_nanousd, rated_units, rates_of
from core.money.text_size import RunningText
from core.money.usage import Usage
from core.wire.streams.observation import Observation

AUDIO_BYTES_PER_TOKEN = 2_400
"""OpenAI bills one token for each 50 ms of audio output; 24 kHz of 16-bit samples are 48,000 bytes
a second."""

IMAGE_OUTPUT_TOKENS = 2_600
"""Per image drawn in a stream, high: Gemini bills 1,120 to 2,520 by resolution, and says how many
with the image."""

PLAUSIBLE_PART = 4
"""A mid-stream count is believed from a quarter of our estimate on: the estimator is at most about
that far high."""

UNSEEN_TOKENS_PER_SECOND_MAX = {"anthropic": 250, "xai": 300}
UNSEEN_TOKENS_PER_SECOND_MAX_OTHERS = 500
"""What no model that hides its reasoning outruns: quick small ones are measured at 200 to 400, Claude at 40 to 180."""


class StreamBill:
    """Adds up observations."""

    def __init__(self, price: Price, prompt: Usage, *, model: str, service_tier: str | None) -> None:
        self.is_final = False
        """The provider has reported the whole, and nothing was written after that."""
        self.has_written = False
        """Some of the answer itself has been seen, not reasoning alone."""
        self._price = price
        self._model = model
        self._requested_tier = service_tier
        self._searches = 0
        self._searches_read = 0
        """Of these, those whose reading the counts of input contain."""
        self._pages = self._page_tokens = 0
        """What other tools of the provider read since the input was counted."""
        self._unseen_tokens = 0
        self._is_nothing_unseen = False
        self._has_output = False
        self._prompt = prompt
        self._stated: Usage | None = None
        """What the provider has counted so far, its own words alone."""
        self._begin_anew(prompt)

    @property
    def output_units_per_token(self) -> int:
        """What one more token of text adds to the cost."""
        return self._text_rate

    @property
    def is_nothing(self) -> bool:
        """Nothing was generated, as far as anybody saw, and the provider has counted nothing."""
        return not self._has_output and self._stated is None

    def add(self, seen: Observation) -> None:
        """Count one event. Its usage, if any, is taken to include the event's own output."""
        if seen.has_output:
            self.is_final = False
            self._has_output = True
            self._add_output(seen)
        if seen.is_blocked or (seen.usage is not None and seen.has_output):
            self._is_nothing_unseen = True
        if seen.usage is not None:
            self._reconcile(seen.usage, is_final=seen.is_final_usage, counts_searches=seen.counts_searches)

    def allow_for_unseen(self, elapsed_ms: int) -> None:
        """Count the reasoning a model may have done out of sight in this time, as far as the
        provider has not counted it: what it can have written at most, less what it showed of it."""
        if self.is_final or self._is_nothing_unseen:
            return
        rate = UNSEEN_TOKENS_PER_SECOND_MAX.get(self._price.provider, UNSEEN_TOKENS_PER_SECOND_MAX_OTHERS)
        self._unseen_tokens = max(0, elapsed_ms * rate // 1_000 - self.usage().reasoning_tokens)

    def exceeds(self, units: int) -> bool:
        """Whether the cost so far is more than this, without sizing anything where it clearly is
        not."""
        if self._units_at_most <= units:
            return False
        return self.units() > units

    def units(self) -> int:
        """The cost so far, not yet divided or rounded, in the dearer tier it may be billed in."""
        units = (
            self._base_units
            + (self._text.tokens + self._extra_tokens) * self._text_rate
            + self._reasoning.tokens * self._reasoning_rate
            + self._audio_tokens * self._audio_rate
            + self._images * IMAGE_OUTPUT_TOKENS * self._image_rate
            + self._uncounted_searches * self._search_rate
        )
        self._units_at_most = units
        return units

    def usage(self) -> Usage:
        """The counts so far. A bill covers what had been written when it was stated, and nothing after that."""
        base = self._with_searches_read(self._base)
        return replace(
            base,
            billed_nanousd=None if self._has_grown else base.billed_nanousd,
            output_tokens=base.output_tokens + self._text.tokens + self._extra_tokens,
            reasoning_tokens=base.reasoning_tokens + self._reasoning.tokens + self._unseen_tokens,
            audio_output_tokens=base.audio_output_tokens + self._audio_tokens,
            image_output_tokens=base.image_output_tokens + self._images * IMAGE_OUTPUT_TOKENS,
            web_search_calls=base.web_search_calls + self._uncounted_searches,
        )

    def cost_nanousd(self, served_tier: str | None) -> int:
        """What the counts cost in the tier the call was served in, else in the one asked for. What the provider billed
        in mid-stream stands, and what was written since comes on top."""
        usage, base = self.usage(), self._base
        tier = served_tier or self._requested_tier
        units = rated_units(usage, self._price, service_tier=tier)
        if usage.billed_nanousd is None and base.billed_nanousd is not None:
            counted = rated_units(replace(base, billed_nanousd=None), self._price, service_tier=tier)
            units += base.billed_nanousd * UNITS_PER_RATE - counted
        return cost_of_units(units)

    def estimate_most_nanousd(self, held_nanousd: int, served_tier: str | None) -> int:
        """The most that an estimate may come to under a hold in full: the hold, with what the provider counted in the
        place of what was estimated of it."""
        if self._stated is None:
            return held_nanousd
        tier = served_tier or self._requested_tier
        prompt = cost_nanousd(self._prompt, self._price, service_tier=tier)
        return cost_nanousd(self._stated, self._price, service_tier=tier) + max(0, held_nanousd - prompt)

    def unseen_nanousd(self, served_tier: str | None) -> tuple[Usage, int]:
        """What was perhaps reasoned out of sight, and nothing else; and what that costs."""
        usage = Usage(reasoning_tokens=self._unseen_tokens)
        return usage, cost_nanousd(usage, self._price, service_tier=served_tier or self._requested_tier)

    @property
    def _has_grown(self) -> bool:
        """Something was written since the last counts."""
        written = self._text.has_pieces or self._reasoning.has_pieces or self._extra_tokens or self._audio_bytes
        return bool(written or self._images or self._unseen_tokens or self._uncounted_searches or self._pages)

    @property
    def _completion_tokens(self) -> int:
        """What `usage` would count, without making one."""
        since = self._text.tokens + self._extra_tokens + self._reasoning.tokens + self._audio_tokens
        return self._base.completion_tokens + since + self._images * IMAGE_OUTPUT_TOKENS

    @property
    def _audio_tokens(self) -> int:
        return -(-self._audio_bytes // AUDIO_BYTES_PER_TOKEN)

    @property
    def _uncounted_searches(self) -> int:
        """Searches seen in the stream that the provider's usage does not count."""
        return max(0, self._searches - self._base.web_search_calls)

    def _add_output(self, seen: Observation) -> None:
        if seen.text:
            self.has_written = True
            self._units_at_most += self._text.add(seen.text) * self._text_rate
        if seen.reasoning:
            self._units_at_most += self._reasoning.add(seen.reasoning) * self._reasoning_rate
        if seen.web_search_calls or seen.page_reads:
            self._searches += seen.web_search_calls
            self._pages += seen.page_reads
            self._page_tokens += seen.page_tokens
            self._set_base(self._base)
        if seen.extra_tokens or seen.audio_bytes or seen.images:
            self._extra_tokens += seen.extra_tokens
            self._audio_bytes += seen.audio_bytes
            self._images += seen.images
            self.units()

    def _reconcile(self, reported: Usage, *, is_final: bool, counts_searches: bool) -> None:
        if is_final or self._stated is None or reported.prompt_tokens:
            self._stated = reported
        else:
            self._stated = _joined(self._stated, reported)
        if is_final:
            self.is_final = True
            self._searches = reported.web_search_calls or (0 if counts_searches else self._searches)
            self._note_all_read()
            self._begin_anew(reported)
            return
        prompt = reported if reported.prompt_tokens else self._base
        if reported.prompt_tokens:
            self._note_all_read()
        if reported.completion_tokens * PLAUSIBLE_PART >= self._completion_tokens:
            self._begin_anew(_joined(prompt, reported))
        else:
            self._set_base(_joined(prompt, self._base))

    def _note_all_read(self) -> None:
        """The provider's count of the input has all that was read so far."""
        self._searches_read = self._searches
        self._pages = self._page_tokens = 0

    def _begin_anew(self, base: Usage) -> None:
        """Nothing has been written since these counts."""
        self._text = _Written(self._model)
        self._reasoning = _Written(self._model)
        self._extra_tokens = self._audio_bytes = self._images = 0
        self._set_base(base)

    def _set_base(self, base: Usage) -> None:
        self._base = base
        base = self._with_searches_read(base)
        tier = self._dearer_tier(base)
        self._base_units = rated_units(base, self._price, service_tier=tier)
        rates = rates_of(base, self._price, service_tier=tier)
        self._text_rate = rates.output_nanousd_per_mtok
        self._reasoning_rate = rates.reasoning_nanousd_per_mtok
        self._audio_rate = rates.audio_output_nanousd_per_mtok
        self._image_rate = rates.image_output_nanousd_per_mtok
        self._search_rate = rates.web_search_nanousd_per_call * UNITS_PER_RATE
        self._units_at_most = 0
        self.units()

    def _with_searches_read(self, base: Usage) -> Usage:
        """The counts with what searches and pages since put into the prompt, and the rest read again behind each."""
        rounds = max(0, self._searches - self._searches_read) + self._pages
        if rounds == 0:
            return base
        prompt_tokens = base.prompt_tokens if base.longest_prompt_tokens is None else base.longest_prompt_tokens
        found, again = search_tokens(prompt_tokens, self._price, rounds)
        found += self._page_tokens
        return replace(
            base,
            input_tokens=base.input_tokens + found,
            cached_input_tokens=base.cached_input_tokens + again,
            longest_prompt_tokens=prompt_tokens + found,
        )

    def _dearer_tier(self, base: Usage) -> str | None:
        """A provider may serve a special request as an ordinary one: a hold pays for either."""
        if self._requested_tier is None:
            return None
        longer = replace(base, output_tokens=base.output_tokens + 1)
        return max(
            (STANDARD, self._requested_tier),
            key=lambda tier: rated_units(longer, self._price, service_tier=tier),
        )


class _Written:
    """One kind of text as it is written, piece by piece.

    A text's estimate can rise by more than the bytes that were added: a word that is no word of the language makes all
    before it look less like it. No vocabulary does that, so what was sized already is left at that, and what came since
    is at most a token for each byte.
    """

    __slots__ = ("_bytes_since", "_pieces", "_running", "_sized_tokens")

    def __init__(self, model: str) -> None:
        self._running = RunningText(model)
        self._pieces = 0
        self._sized_tokens = 0
        self._bytes_since = 0

    @property
    def has_pieces(self) -> bool:
        return self._pieces > 0

    @property
    def tokens(self) -> int:
        """Estimated high, and at least one for every piece."""
        if self._bytes_since:
            most = self._sized_tokens + self._bytes_since
            self._sized_tokens = max(min(self._running.tokens, most), self._pieces)
            self._bytes_since = 0
        return self._sized_tokens

    def add(self, text: str) -> int:
        """Returns how many tokens this can be at most."""
        piece = text.encode("utf-8", "surrogatepass")
        self._running.add(piece)
        self._pieces += 1
        self._bytes_since += len(piece)
        return len(piece)


def _joined(prompt: Usage, output: Usage) -> Usage:
    """The input counts of one usage with the output counts of another, and what that other was billed at."""
    return replace(
        prompt,
        web_search_calls=max(prompt.web_search_calls, output.web_search_calls),
        document_search_calls=max(prompt.document_search_calls, output.document_search_calls),
        billed_nanousd=output.billed_nanousd,
        output_tokens=output.output_tokens,
        reasoning_tokens=output.reasoning_tokens,
        audio_output_tokens=output.audio_output_tokens,
        image_output_tokens=output.image_output_tokens,
    )
