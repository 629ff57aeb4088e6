"""Gemini's native dialect as a caller speaks it: its request is read, an answer and a stream are written in it.

What comes in is a body that the dialect has accepted, or an answer of no dialect. There is no other direction: as a
provider, Gemini is asked in OpenAI's words. It never knows who serves the call.
"""
