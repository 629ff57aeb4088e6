"""The steps that bring a checkout to Cloudflare and Supabase, in the order in which each finds what it needs.

The first time the edge Worker goes first: the telemetry Worker is bound to its Ledgers, which must exist. Later the
telemetry Worker does, so that no message meets one older than itself. A Worker's secrets follow its code: set before
it, they would make wrangler create a Worker that has none.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..deployed import Deployed
from . import secrets
from .checkout import CONFIGS, EDGE, TELEMETRY, Checkout, Finished
from .database import DSN_NAME, Database
from .first_tenant import Names, Profiles, tenant_step
from .secret_file import SecretFile
from .steps import Standing, Step, StepFailed
from .wrangler import Wrangler, typed_line

NAMESPACE = "AGENTWATCH_KV"
QUEUES = ("agentwatch-telemetry", "agentwatch-telemetry-dlq")
WORKERS = {EDGE: "edge Worker", TELEMETRY: "telemetry Worker"}


@dataclass(frozen=True)
class Ground:
    """What the steps stand on."""

    checkout: Checkout
    wrangler: Wrangler
    known: secrets.Known
    profiles: Profiles
    names: Names
    sealing_key: SecretFile
    database: Database | None = None
    """None where no address of it was given: the migrations are then its owner's."""
    url: str = ""
    """Where the edge Worker answers, if not where wrangler says."""
    operator_token: str = ""
    """As given, where one was set before."""


def steps_of(ground: Ground) -> tuple[Step, ...]:
    is_first = ground.wrangler.deployed_tag(TELEMETRY) is None
    edge = (_deploy(ground, EDGE), _operator(ground), _sealing_key(ground), _secrets(ground, EDGE))
    telemetry = (_deploy(ground, TELEMETRY), _secrets(ground, TELEMETRY))
    return (
        _namespace(ground),
        *(_queue(ground, name) for name in QUEUES),
        _namespace_ids(ground),
        _migrations(ground),
        *((*edge, *telemetry) if is_first else (*telemetry, *edge)),
        tenant_step(ground.names, ground.profiles),
    )


def _namespace(ground: Ground) -> Step:
    def look() -> Standing:
        ids = ground.wrangler.kv_namespace_ids(NAMESPACE)
        return Standing(bool(ids), f"id {', '.join(ids)}" if ids else "not there")

    return Step(
        f"KV namespace {NAMESPACE}",
        (typed_line("kv", "namespace", "create", NAMESPACE),),
        look,
        lambda: ground.wrangler.create_kv_namespace(NAMESPACE),
    )


def _queue(ground: Ground, name: str) -> Step:
    def look() -> Standing:
        is_there = ground.wrangler.has_queue(name)
        return Standing(is_there, "there" if is_there else "not there")

    return Step(
        f"queue {name}", (typed_line("queues", "create", name),), look, lambda: ground.wrangler.create_queue(name)
    )


def _namespace_ids(ground: Ground) -> Step:
    def look() -> Standing:
        present = {config: ground.checkout.namespace_id(config) for config in CONFIGS}
        if None in present.values():
            return Standing(
                False, f"PLACEHOLDER in {', '.join(name for name, each in present.items() if each is None)}"
            )
        ids = ground.wrangler.kv_namespace_ids(NAMESPACE)
        foreign = sorted({str(each) for each in present.values()} - set(ids))
        return Standing(not foreign, f"not this account's: {', '.join(foreign)}" if foreign else f"id {present[EDGE]}")

    def run() -> None:
        (namespace_id,) = ground.wrangler.kv_namespace_ids(NAMESPACE)
        for config in CONFIGS:
            ground.checkout.put_namespace_id(config, namespace_id)

    return Step(
        f"its id in {' and '.join(CONFIGS)}", tuple(f"edit {config} at PLACEHOLDER" for config in CONFIGS), look, run
    )


def _migrations(ground: Ground) -> Step:
    migrations, database = ground.checkout.migrations(), ground.database
    if database is None:
        return Step(
            "tables in Supabase",
            ("supabase db push   (by you: no database was named in " + DSN_NAME + ")",),
            lambda: Standing(True, f"not looked at: up to you, `supabase db push` up to {migrations[-1].title}"),
            lambda: None,
        )

    def look() -> Standing:
        missing = database.missing(migrations)
        if missing:
            return Standing(False, f"{len(missing)} of {len(migrations)} to apply, from {missing[0].title} on")
        return Standing(True, f"up to {migrations[-1].title}")

    def run() -> None:
        for migration in database.missing(migrations):
            database.apply(migration)

    return Step("tables in Supabase", ("psql --single-transaction --file migrations/…",), look, run)


def _deploy(ground: Ground, config: str) -> Step:
    """A deployment that was cut off may have uploaded the code and bound neither queues nor crons, which no list tells:
    so it is done again unless it came to its end from here. That changes nothing where it had."""

    def look() -> Standing:
        present, wanted = ground.wrangler.deployed_tag(config), ground.checkout.tag(config)
        finished = ground.checkout.finished(config)
        if present is None:
            return Standing(False, "not there")
        if present != wanted:
            return Standing(False, f"other code, version {present or 'unnamed'}")
        if finished is None or finished.tag != wanted:
            return Standing(False, "uploaded; whether it came to its end is not known here")
        return Standing(True, f"version {wanted}")

    def run() -> None:
        tag = ground.checkout.tag(config)
        ground.checkout.note_finished(config, Finished(tag, ground.wrangler.deploy(config, tag)))

    return Step(WORKERS[config], (typed_line("deploy", "-c", config),), look, run)


def _operator(ground: Ground) -> Step:
    """The token of whoever runs it, kept here before the Worker is told of it. The one of another deployment is never
    given to this one's Worker: its tenant would then be made there."""
    profile = ground.names.operator

    def addresses() -> tuple[str, ...]:
        finished = ground.checkout.finished(EDGE)
        return (*((ground.url,) if ground.url else ()), *(() if finished is None else finished.addresses))

    def is_of_another(place: Deployed) -> bool:
        known = addresses()
        is_told = secrets.OPERATOR_TOKEN in ground.wrangler.secret_names(EDGE)
        return bool(known) and place.url not in known and not is_told

    def look() -> Standing:
        place = ground.profiles.find(profile)
        if place is None:
            return Standing(False, f"there is no profile {profile}")
        return Standing(not is_of_another(place), f"for {place.url}")

    def run() -> None:
        kept = ground.profiles.find(profile)
        if kept is not None:
            raise StepFailed(
                f"profile {profile} is of another deployment, {kept.url}: name others with --profile, "
                "or this one's address with --url"
            )
        if not addresses():
            raise StepFailed("the edge Worker has no address of its own: name it with --url")
        if not ground.operator_token and secrets.OPERATOR_TOKEN in ground.wrangler.secret_names(EDGE):
            raise StepFailed(
                "OPERATOR_TOKEN is set and not known here: give it in AGENTWATCH_OPERATOR_TOKEN, or take it away with "
                f"`{typed_line('secret', 'delete', secrets.OPERATOR_TOKEN, '-c', EDGE)}`"
            )
        ground.profiles.check()
        token = ground.operator_token or secrets.new_operator_token()
        ground.profiles.put(profile, Deployed(addresses()[0], token))

    return Step(f"the operator's token, as profile {profile}", ("make aw_live_… and keep it here",), look, run)


def _sealing_key(ground: Ground) -> Step:
    """Both Workers have the same, and neither shows it again: so it is kept here first."""
    name, place = secrets.KEY_ENCRYPTION_KEY, ground.sealing_key

    def have_it() -> list[str]:
        return [WORKERS[config] for config in CONFIGS if name in ground.wrangler.secret_names(config)]

    def look() -> Standing:
        if len(have_it()) == len(CONFIGS):
            return Standing(True, "both Workers have one")
        return Standing(bool(place.read()), f"in {place.path}" if place.read() else "there is none")

    def run() -> None:
        if have_it():
            raise StepFailed(
                f"the {have_it()[0]} has a {name} that is not kept here, and both need the same: "
                f"put it into {place.path}"
            )
        place.write(secrets.new_encryption_key())

    return Step("the key that seals provider keys", (f"make it and keep it in {place.path}",), look, run)


def _secrets(ground: Ground, config: str) -> Step:
    """Those that are there stay. A provider's key that is in the environment is wanted, another may be left out."""
    wanted = secrets.of_config(config)

    def look() -> Standing:
        there = ground.wrangler.secret_names(config)
        needed = {secret.name for secret in wanted if secret.is_needed or ground.known.is_given(secret)}
        missing = sorted(needed - there)
        return Standing(not missing, f"missing: {', '.join(missing)}" if missing else ", ".join(sorted(there)))

    def run() -> None:
        there = ground.wrangler.secret_names(config)
        values = {secret.name: ground.known.value(secret) for secret in wanted if secret.name not in there}
        without = [secret.name for secret in wanted if secret.is_needed and values.get(secret.name) == ""]
        if without:
            raise StepFailed(f"set in the environment, or run this where it can ask: {', '.join(without)}")
        ground.wrangler.put_secrets(config, {name: value for name, value in values.items() if value})

    names = ", ".join(f"{secret.name} ({ground.known.source(secret)})" for secret in wanted)
    command = f"{typed_line('secret', 'bulk', '-c', config)}   # {names}"
    return Step(f"secrets of the {WORKERS[config]}", (command,), look, run)
