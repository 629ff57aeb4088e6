"""OpenAI's Responses API: its requests, answers and streams read into the form of no dialect, and written from it.

What comes in are whole bodies, or the events of one stream. It never knows another dialect, or which model serves: a
conversation was made fit for its model before it is written.
"""
