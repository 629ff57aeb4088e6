"""A `generateContent` request as a conversation of no dialect. The model is in the path, and so is whether it streams.

The body was accepted by the dialect before: it is JSON, not too deep, and no object has two spellings of one member.
The rule easy to break: Google takes numbers as texts, and camelCase and snake_case alike, in every object but those of
the caller's own: arguments, results, JSON Schema.
"""

import math

import msgspec

from core.refusals import InvalidRequest
from core.wire.dialects.gemini import model_of
from core.wire.json_text import InvalidJSON, read_json
from core.wire.media.walk import folded
from core.wire.translation.conversation import Conversation, OutputFormat, Untranslatable
from core.wire.translation.gemini.contents_reader import Contents, read_system
from core.wire.translation.gemini.members import Notes, listed, named, texts
from core.wire.translation.gemini.schema_reader import read_schema
from core.wire.translation.gemini.thinking_reader import read_thinking
from core.wire.translation.gemini.tools_reader import read_tools

_MODALITIES = {0: "MODALITY_UNSPECIFIED", 1: "TEXT", 2: "IMAGE", 3: "AUDIO"}
"""The numbers that stand for them (google/ai/generativelanguage, `GenerationConfig.Modality`)."""


class _Request(msgspec.Struct, rename=folded):
    contents: object = None
    system_instruction: object = None
    tools: object = None
    tool_config: object = None
    generation_config: object = None
    safety_settings: object = None
    cached_content: object = None
    labels: object = None
    service_tier: object = None
    store: object = None
    model: object = None


class _Config(msgspec.Struct, rename=folded):
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    stop_sequences: object = None
    candidate_count: int = 1
    response_mime_type: str = ""
    response_schema: object = None
    response_json_schema: object = None
    response_format: object = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    thinking_config: object = None
    response_modalities: object = None
    speech_config: object = None
    image_config: object = None
    translation_config: object = None
    logprobs: int | None = None
    response_logprobs: bool = False
    media_resolution: object = None
    audio_timestamp: object = None
    enable_affective_dialog: object = None
    enable_enhanced_civic_answers: object = None
    audio_transcription_config: object = None
    routing_config: object = None
    model_selection_config: object = None


def read_request(body: bytes, *, path: str = "") -> Conversation:
    """Raises `Untranslatable`."""
    notes = Notes()
    try:
        model = model_of(path)
        request = notes.read(read_json(body, dict[str, object]), _Request)
    except (InvalidJSON, InvalidRequest):
        raise Untranslatable("body") from None
    contents = Contents(notes)
    for content in listed(request.contents):
        contents.add(content)
    turns = contents.turns()
    if not turns and not notes.beyond:
        raise Untranslatable("body")
    system = [] if request.system_instruction is None else read_system(request.system_instruction, notes)
    config = notes.read(request.generation_config or {}, _Config)
    tools, choice = read_tools(request.tools, request.tool_config, notes)
    output_format = _format(config, notes)
    _note_others(request, config, notes)
    return Conversation(
        model=model,
        turns=(*system, *turns),
        is_streaming=path.endswith(":streamGenerateContent"),
        tools=tools,
        tool_choice=choice,
        output_tokens_max=config.max_output_tokens,
        temperature=_finite(config.temperature),
        top_p=_finite(config.top_p),
        top_k=None if config.top_k is None else round(_finite(config.top_k) or 0),
        frequency_penalty=_finite(config.frequency_penalty),
        presence_penalty=_finite(config.presence_penalty),
        seed=config.seed,
        stop=tuple(texts(config.stop_sequences)),
        format=output_format,
        reasoning=read_thinking(config.thinking_config, notes),
        beyond=notes.beyond,
        dropped=notes.dropped,
    )


def _format(config: _Config, notes: Notes) -> OutputFormat | None:
    kind = config.response_mime_type.strip().lower()
    own, standard = config.response_schema, config.response_json_schema
    has_schema = own is not None or standard is not None
    if kind not in ("", "text/plain", "application/json"):
        notes.go_beyond("response_mime_type")
        return None
    if kind == "text/plain" and has_schema:
        raise Untranslatable("body")
    if standard is not None and not isinstance(standard, dict):
        raise Untranslatable("body")
    if has_schema:
        return OutputFormat(schema=standard if own is None else read_schema(own))
    return OutputFormat() if kind == "application/json" else None


def _note_others(request: _Request, config: _Config, notes: Notes) -> None:
    """What changes the answer, and what does not."""
    beyond = {
        "cached_content": request.cached_content,
        "candidate_count": config.candidate_count > 1,
        "logprobs": config.response_logprobs or config.logprobs is not None,
        "modalities": any(named(each, _MODALITIES) != "TEXT" for each in listed(config.response_modalities)),
        "speech": config.speech_config,
        "images": config.image_config,
        "translation": config.translation_config,
        "response_format": config.response_format,
    }
    for feature, asked in beyond.items():
        if asked:
            notes.go_beyond(feature)
    dropped = {
        "safetySettings": request.safety_settings,
        "labels": request.labels,
        "serviceTier": request.service_tier,
        "store": request.store,
        "mediaResolution": config.media_resolution,
        "audioTimestamp": config.audio_timestamp,
        "enableAffectiveDialog": config.enable_affective_dialog,
        "enableEnhancedCivicAnswers": config.enable_enhanced_civic_answers,
        "audioTranscriptionConfig": config.audio_transcription_config,
        "routingConfig": config.routing_config,
        "modelSelectionConfig": config.model_selection_config,
    }
    for member, value in dropped.items():
        notes.drop(member, value)


def _finite(value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise Untranslatable("body")
    return value
