"""Whose calls a caller sees: a developer its own team's, everybody else who may ask the whole tenant's.

The database is told the same by the token (`api/records/asking.py`): each of the two suffices alone.
"""

from access.identity import Caller


def sees_nothing(caller: Caller, team: str | None) -> bool:
    """Is there nothing to look up, because the team asked for is not its own, or it has none?"""
    return caller.role == "developer" and (caller.team is None or team not in (None, caller.team))


def team_seen(caller: Caller, team: str | None) -> str | None:
    """The one team to be looked up; None for all."""
    return caller.team if caller.role == "developer" else team
