"""What a no about money is told as: of a call that was never sent, and of an answer that was cut.

What comes in is whose no it is, as the Ledger has said. A denial decides nothing, and never knows how it is rendered.
No code or sentence of the one is the other's.
"""
