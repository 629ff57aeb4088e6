"""Every route of the five providers' public APIs that costs money, or makes something that will.

Written from the providers' API references and the official clients; `x` stands for an id or a model. Storage, uploads
and sessions are here because they are billed by size or time, or because they are how a billed job is given its input.
"""

METERED = {
    "openai": ("chat/completions", "completions", "responses", "responses/compact", "embeddings"),
    "anthropic": ("messages", "chat/completions"),
    "gemini": (
        "v1beta/models/x:generateContent",
        "v1beta/models/x:streamGenerateContent",
        "v1beta/models/x:embedContent",
        "v1beta/models/x:batchEmbedContents",
        "v1beta/tunedModels/x:generateContent",
        "v1beta/tunedModels/x:streamGenerateContent",
        "v1/models/x:generateContent",
        "v1alpha/models/x:streamGenerateContent",
        "v1beta/openai/chat/completions",
        "v1beta/openai/embeddings",
    ),
    "groq": ("chat/completions", "completions", "responses", "embeddings"),
    "xai": ("chat/completions", "completions", "responses", "responses/compact", "embeddings", "messages"),
}
"""POSTs that are held for and charged."""

FREE_POSTS = {
    "openai": ("moderations", "responses/input_tokens"),
    "anthropic": ("messages/count_tokens",),
    "gemini": ("v1beta/models/x:countTokens", "v1/models/x:countTokens"),
}
"""POSTs that judge or count what they are sent, and cost nothing."""

ACCOUNT_POSTS = {
    "openai": (
        "responses/x/cancel", "batches/x/cancel", "fine_tuning/jobs/x/cancel", "uploads/x/cancel",
        "vector_stores/x/file_batches/x/cancel", "conversations", "conversations/x", "conversations/x/items",
    ),
    "anthropic": ("messages/batches/x/cancel",),
    "gemini": ("v1beta/batches/x:cancel", "v1beta/operations/x:cancel", "v1beta/openai/batches/x/cancel"),
    "groq": ("batches/x/cancel",),
    "xai": ("batches/x:cancel",),
}  # fmt: skip
"""POSTs that cost nothing and touch what is stored under the account: for keys of one's own."""

_OPENAI = """
    audio/speech audio/transcriptions audio/translations audio/voices audio/voice_consents
    images/generations images/edits images/variations videos videos/edits videos/extensions videos/x/remix
    videos/characters decisions content_provenance_checks
    batches fine_tuning/jobs fine_tuning/jobs/x/resume fine_tuning/alpha/graders/run fine_tuning/alpha/graders/validate
    evals evals/x/runs files uploads uploads/x/parts uploads/x/complete containers containers/x/files
    vector_stores vector_stores/x/files vector_stores/x/file_batches vector_stores/x/search
    assistants assistants/x threads threads/runs threads/x/runs threads/x/messages threads/x/runs/x/submit_tool_outputs
    realtime/sessions realtime/transcription_sessions realtime/client_secrets realtime/translations/client_secrets
    realtime/calls realtime/calls/x/accept live/sessions live/sessions/x/fork live/sessions/x/accept
    chat/completions/x
    agents agents/sessions agents/sessions/x/events agents/automations/x/invocations agents/environments chatkit/sessions
    skills skills/x/versions engines/x/completions engines/x/embeddings edits answers classifications search
    fine-tunes organization/projects organization/spend_limit
"""
_ANTHROPIC = """
    complete messages/batches files skills skills/x/versions agents sessions sessions/x/events environments
    deployments/x/run dreams memory_stores organizations/spend_limits tunnels threads responses embeddings
    experimental/generate_prompt experimental/improve_prompt experimental/templatize_prompt
"""
_GEMINI = """
    v1beta/models/x:batchGenerateContent v1beta/models/x:asyncBatchEmbedContent v1beta/models/x:predict
    v1beta/models/x:predictLongRunning v1beta/models/x:generateVideos v1beta/models/x:generateImages
    v1beta/models/x:generateAnswer v1beta/models/x:generateText v1beta/models/x:generateMessage
    v1beta/models/x:embedText v1beta/models/x:batchEmbedText v1beta/models/x:bidiGenerateContent
    v1beta/models/x:computeTokens v1beta/models/x:rawPredict v1beta/models/x:streamRawPredict
    v1beta/cachedContents v1beta/cachedContents/x v1beta/tunedModels v1beta/tuningJobs v1beta/files
    v1beta/files:register upload/v1beta/files v1beta/fileSearchStores v1beta/fileSearchStores/x:importFile
    upload/v1beta/fileSearchStores/x:uploadToFileSearchStore v1beta/corpora v1beta/corpora/x:query
    v1beta/corpora/x/documents/x/chunks:batchCreate v1beta/batches v1beta/batchPredictionJobs v1beta/auth_tokens
    v1beta/interactions v1beta/agents v1beta/dynamic/x:generateContentLater
    v1beta/openai/images/generations v1beta/openai/images/edits v1beta/openai/audio/speech
    v1beta/openai/audio/transcriptions v1beta/openai/batches v1beta/openai/files v1beta/openai/responses
    v1beta/openai/completions v1beta/openai/videos batch
"""
_GROQ = """
    audio/speech audio/transcriptions audio/translations batches files fine_tunings images/generations
    moderations reranking v1/fine_tunings
"""
_XAI = """
    images/generations images/edits videos/generations videos/edits videos/extensions audio/speech tts stt
    audio/transcriptions realtime/client_secrets realtime/sessions batches batches/x/requests files uploads
    collections collections/x/documents documents/search tokenize-text complete fine-tuning/jobs
    vector_stores custom-voices
"""

UNMETERED = {
    "openai": tuple(_OPENAI.split()),
    "anthropic": tuple(_ANTHROPIC.split()),
    "gemini": tuple(_GEMINI.split()),
    "groq": tuple(_GROQ.split()),
    "xai": tuple(_XAI.split()),
}
"""POSTs (and PUTs and PATCHes) that nothing here can meter."""
