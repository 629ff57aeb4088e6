"""One dialect's requests, answers and streams said in another: each is read into a form of no dialect, and written.

A folder for each dialect; `fitting` makes a conversation fit for the model that it goes to. What comes in are whole
bodies or events. What cannot be said faithfully raises `Untranslatable`. It never knows a price, a key or the clock.
"""
