"""The ledger's rules: accounts, holds and windows, who may ask how often, and the messages in which it is asked.

Comes in: values and moments. It never knows a row, a clock, a provider or a dialect.
"""
