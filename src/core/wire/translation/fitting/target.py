"""Where a call goes, and in which dialect it is said there.

Anthropic is always reached by its own dialect, because its OpenAI-style endpoint leaves out in silence what it does not
know. OpenAI's reasoning models are reached by Responses from every other dialect, because on chat completions they
refuse tools with reasoning. The rule easy to break: what a model takes depends on the dialect too, so it is asked of
the target and never of the model's name alone.
"""

import msgspec

from core.wire.translation.conversation import Conversation
from core.wire.translation.fitting.traits import Traits, traits_of

CHAT = "openai_chat"
RESPONSES = "openai_responses"
MESSAGES = "anthropic_messages"


class Target(msgspec.Struct, frozen=True):
    """A model at a provider, and the dialect in which it is asked."""

    provider: str
    model: str
    dialect: str

    @property
    def traits(self) -> Traits:
        """What may be sent there: what the model takes and this dialect can say."""
        traits = traits_of(self.provider, self.model)
        if self.dialect != RESPONSES:
            return traits
        return msgspec.structs.replace(
            traits, stops_max=0, penalties=False, seed=False, logprobs=False, chat_tools="free"
        )


def target_of(provider: str, model: str, *, spoken: str, asks: Conversation | None) -> Target:
    """How this model is reached for a caller that speaks `spoken`. Without knowing what it `asks`, nothing special is
    taken to be asked."""
    return Target(provider, model, _dialect(provider, model, spoken, asks))


def _dialect(provider: str, model: str, spoken: str, asks: Conversation | None) -> str:
    if provider == "anthropic":
        return MESSAGES
    if provider != "openai":
        return CHAT
    traits = traits_of(provider, model)
    if spoken == CHAT:
        return RESPONSES if traits.is_responses_only or _is_refused_on_chat(traits, asks) else CHAT
    if spoken.startswith("openai"):
        return spoken
    return CHAT if traits.sampling == "any" else RESPONSES


def _is_refused_on_chat(traits: Traits, asks: Conversation | None) -> bool:
    """Whether it asks for tools with reasoning, of a model that takes both on Responses only."""
    if traits.chat_tools == "free" or asks is None or not asks.tools or asks.reasoning is None:
        return False
    reasoning = asks.reasoning
    if reasoning.effort is not None:
        return reasoning.effort != "none"
    return reasoning.is_adaptive or bool(reasoning.budget_tokens)
