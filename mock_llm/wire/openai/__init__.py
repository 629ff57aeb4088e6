"""OpenAI's formats, as all five providers speak them: chat, completions, embeddings, Responses.

Comes in: a request's bytes, or the plan of an answer. It never knows which other formats there are.
"""
