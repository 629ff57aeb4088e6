"""Which AgentWatch a command asks and as whom: an option, else the environment, else a profile.

The rule easy to break: the token of a profile goes to the profile's own address and to no other, so an address from an
option or the environment needs a token from the environment.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ...settings import checked_base_url
from ..failures import CommandFailed, Exit, usage
from .store import DEFAULT_PROFILE, Profile, ProfileStore

BASE_URL_VARIABLE = "AGENTWATCH_BASE_URL"
TOKEN_VARIABLE = "AGENTWATCH_API_KEY"

_TOKEN = re.compile(r"[!-~]{1,1000}", re.ASCII)


@dataclass(frozen=True)
class Target:
    base_url: str
    base_url_from: str
    token: str = field(repr=False)
    token_from: str
    """In words, such as `AGENTWATCH_API_KEY`."""
    profile: str | None = None
    """The profile that the token is of."""


def find_target(
    environment: Mapping[str, str], *, profile: str | None, url: str | None, say: Callable[[str], None]
) -> Target:
    """Raises `CommandFailed` where nothing says it, or not both of it."""
    token = None if profile is not None else environment.get(TOKEN_VARIABLE) or None
    if token is not None:
        return _by_environment(environment, token, url, say)
    target = _by_profile(environment, profile, say)
    asked_url, asked_by = _address(environment, profile, url)
    if asked_url is not None and asked_url != target.base_url:
        raise CommandFailed(
            f"the token of profile {target.profile} is for {target.base_url}, and {asked_by} says {asked_url}",
            code=Exit.USAGE,
            advice=f"set {TOKEN_VARIABLE}, or: agentwatch login --url {asked_url} --profile NAME",
            kind="wrong_address",
        )
    warn_of_plain_text(target.base_url, say)
    return target


def checked_url(text: str, name: str) -> str:
    """An address as everything here uses it. Raises `CommandFailed`."""
    try:
        return checked_base_url(text, name)
    except ValueError as error:
        raise usage(str(error)) from None


def checked_token(text: str, name: str) -> str:
    """Raises `CommandFailed`, which does not show it."""
    token = text.strip()
    if not _TOKEN.fullmatch(token):
        raise usage(f"{name} holds no token: tokens are printable ASCII without spaces")
    return token


def warn_of_plain_text(base_url: str, say: Callable[[str], None]) -> None:
    address = urlsplit(base_url)
    if address.scheme == "http" and not _is_this_machine(address.hostname or ""):
        say(f"warning: {base_url} is not encrypted: everybody on the way can read the token")


def _by_environment(environment: Mapping[str, str], token: str, url: str | None, say: Callable[[str], None]) -> Target:
    base_url, base_url_from = _address(environment, None, url)
    if base_url is None:
        raise usage(f"{TOKEN_VARIABLE} is set, but no address", f"set {BASE_URL_VARIABLE}, or give --url")
    warn_of_plain_text(base_url, say)
    return Target(base_url, base_url_from, checked_token(token, TOKEN_VARIABLE), TOKEN_VARIABLE)


def _by_profile(environment: Mapping[str, str], name: str | None, say: Callable[[str], None]) -> Target:
    store = ProfileStore(environment)
    profiles = store.read()
    found: Profile | None = profiles.get(name or DEFAULT_PROFILE)
    if found is None:
        known = f" (there are: {', '.join(sorted(profiles))})" if profiles else ""
        what = "there is no token" if name is None else f"there is no profile {name}{known}"
        raise CommandFailed(
            what,
            code=Exit.USAGE,
            advice=f"agentwatch login, or set {BASE_URL_VARIABLE} and {TOKEN_VARIABLE}",
            kind="no_token",
        )
    if store.is_open_to_others():
        say(f"warning: other users can read the tokens in {store.path}: chmod 600 it")
    place = f"profile {name or DEFAULT_PROFILE} in {store.path}"
    base_url = checked_url(found.base_url, f"base_url of {place}")
    return Target(base_url, place, checked_token(found.token, place), place, name or DEFAULT_PROFILE)


def _address(environment: Mapping[str, str], profile: str | None, url: str | None) -> tuple[str | None, str]:
    """The address that is said for this run, and who says it."""
    if url:
        return checked_url(url, "--url"), "--url"
    said = None if profile is not None else environment.get(BASE_URL_VARIABLE)
    return (checked_url(said, BASE_URL_VARIABLE) if said else None), BASE_URL_VARIABLE


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
