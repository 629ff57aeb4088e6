"""OpenAI's chat completions, as OpenAI, Groq, xAI and Gemini's OpenAI-style endpoint speak them.

Requests, answers and streams are read into the form of no dialect and written from it. What comes in is whole, a body
or an event. It never knows which model takes what (`fitting` does), nor whether a caller or a provider wrote it.
"""
