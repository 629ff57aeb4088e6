"""Gemini's native API, in the form in which Google's front end writes it.

Comes in: a request's bytes, or the plan of an answer. It never knows how long the connection lasts.
"""
