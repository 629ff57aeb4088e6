"""What a request holds beside text: where media and references stand in it, and how large each piece is.

Comes in: a request's JSON in any dialect. It never knows what a picture, a second or a page costs.
"""
