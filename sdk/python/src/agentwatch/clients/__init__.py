"""The official clients with one method of their own. What comes in are their requests and what their users' own reading
brings; it never knows a price, keeps no text, and changes nothing of a call but what a hold has lowered.
"""
