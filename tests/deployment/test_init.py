"""`agentwatch init` from a checkout to a deployment: what it shows, what it makes, and what a run makes that comes after
one that was killed."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from local.paths import ROOT
from tests.deployment.conftest import GIVEN, Site
from tests.deployment.scripted_edge import ScriptedEdge

CHANGES = [
    "kv AGENTWATCH_KV",
    "queue agentwatch-telemetry",
    "queue agentwatch-telemetry-dlq",
    "deploy agentwatch",
    "secrets agentwatch",
    "deploy agentwatch-telemetry",
    "secrets agentwatch-telemetry",
]
"""The first time: the telemetry Worker is bound to the edge Worker's Ledgers."""


def test_everything_is_made_once_in_its_order(site: Site) -> None:
    done = site.init("--yes", "--tenant", "acme", "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "tenant": "acme", "url": site.edge.url, "profile": "default", "operator_profile": "default-operator",
    }  # fmt: skip
    made = site.made()
    assert made["changes"] == CHANGES
    assert made["asked_by"] == "a" * 32
    assert site.edge.tenants == ["acme"]
    assert set(made["agentwatch"]) == {
        "OPERATOR_TOKEN", "KEY_ENCRYPTION_KEY", "OPENAI_API_KEY", "SUPABASE_URL", "SUPABASE_JWT_SECRET", "SUPABASE_ANON_KEY",
    }  # fmt: skip
    assert set(made["agentwatch-telemetry"]) == {"KEY_ENCRYPTION_KEY", "SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY"}
    assert made["agentwatch"]["KEY_ENCRYPTION_KEY"] == made["agentwatch-telemetry"]["KEY_ENCRYPTION_KEY"]


def test_both_configurations_name_the_namespace_and_are_else_as_they_were(site: Site) -> None:
    before = {name: (site.project / name).read_text() for name in ("wrangler.toml", "queue_consumer/wrangler.toml")}

    site.init("--yes")

    for name, text in before.items():
        wanted = text.replace(f'id = "{0:032}" # PLACEHOLDER', f'id = "{1:032x}"')
        assert (site.project / name).read_text() == wanted != text


def test_the_second_run_finds_everything_done(site: Site) -> None:
    site.init("--yes")
    before = site.made()

    again = site.init()

    assert again.returncode == 0, again.stderr
    assert site.made() == before
    assert len(site.edge.admins) == 1


def test_a_dry_run_shows_every_step_and_makes_nothing(site: Site) -> None:
    shown = site.init("--dry-run", "--json")

    steps = json.loads(shown.stdout)["steps"]
    assert site.made().get("changes", []) == []
    assert [step["standing"] for step in steps] == ["to do"] * 4 + ["done"] + ["to do"] * 7
    assert "npx wrangler kv namespace create AGENTWATCH_KV" in steps[0]["runs"]
    assert "npx wrangler deploy -c queue_consumer/wrangler.toml" in steps[9]["runs"]


def test_without_a_terminal_nothing_is_done_unasked(site: Site) -> None:
    refused = site.init()

    assert refused.returncode == 2
    assert "to do  KV namespace AGENTWATCH_KV" in refused.stderr
    assert site.made().get("changes", []) == []


@pytest.mark.parametrize("change", range(1, len(CHANGES) + 1), ids=CHANGES)
def test_a_run_after_one_that_was_killed_doubles_nothing(site: Site, change: int) -> None:
    site.die_after(change)
    killed = site.init("--yes", "--tenant", "acme")

    again = site.init("--yes", "--tenant", "acme")

    assert killed.returncode == -9
    assert again.returncode == 0, again.stderr
    made = site.made()
    # Whether a deployment came to its end only its own end tells: that one is made again, which changes nothing.
    cut_off = [CHANGES[change - 1]] if CHANGES[change - 1].startswith("deploy") else []
    assert made["changes"] == [*CHANGES[:change], *cut_off, *CHANGES[change:]]
    assert made["agentwatch"]["KEY_ENCRYPTION_KEY"] == made["agentwatch-telemetry"]["KEY_ENCRYPTION_KEY"]
    assert site.edge.tenants == ["acme"]
    assert site.profiles()["default-operator"]["token"] == made["agentwatch"]["OPERATOR_TOKEN"]
    assert site.edge.admins[site.profiles()["default"]["token"]] == "acme"


def test_a_tenant_whose_key_was_lost_on_the_way_is_given_another(site: Site) -> None:
    site.edge.loses_next_answer = True
    lost = site.init("--yes", "--tenant", "acme")

    again = site.init("--yes", "--tenant", "acme")

    assert lost.returncode == 1
    assert again.returncode == 0, again.stderr
    assert site.edge.tenants == ["acme"]
    assert site.edge.admins[site.profiles()["default"]["token"]] == "acme"


def test_a_later_version_goes_to_the_telemetry_worker_first(site: Site) -> None:
    site.init("--yes")
    (site.project / "src/entry.py").write_text("'a later edge'\n")

    later = site.init("--yes")

    assert later.returncode == 0, later.stderr
    assert site.made()["changes"] == [*CHANGES, "deploy agentwatch-telemetry", "deploy agentwatch"]


def test_no_secret_is_shown_or_an_argument(site: Site) -> None:
    done = site.init("--yes", "--json")

    made = site.made()
    secrets = {*GIVEN.values(), *made["agentwatch"].values(), *site.edge.admins} - {GIVEN["SUPABASE_URL"]}
    said = done.stdout + done.stderr + json.dumps(made["changes"])
    assert [secret for secret in secrets if secret in said] == []


def test_a_secret_that_is_missing_is_named_and_nothing_half_is_set(site: Site) -> None:
    del site.given["SUPABASE_JWT_SECRET"]

    failed = site.init("--yes")

    assert failed.returncode == 1
    assert "SUPABASE_JWT_SECRET" in failed.stderr
    assert "agentwatch" not in site.made() or site.made()["agentwatch"] == {}


def test_an_operator_s_token_that_is_set_and_not_known_here_is_asked_for(site: Site) -> None:
    site.init("--yes")
    token = site.made()["agentwatch"]["OPERATOR_TOKEN"]
    profiles = site.folder / "home/.config/agentwatch/profiles.json"
    profiles.unlink()

    refused = site.init("--yes")
    site.given["AGENTWATCH_OPERATOR_TOKEN"] = token
    allowed = site.init("--yes")

    assert refused.returncode == 1
    assert "AGENTWATCH_OPERATOR_TOKEN" in refused.stderr
    assert allowed.returncode == 0, allowed.stderr
    assert site.made()["agentwatch"]["OPERATOR_TOKEN"] == token


def test_a_configuration_of_another_account_is_left_alone(site: Site) -> None:
    path = site.project / "wrangler.toml"
    path.write_text(re.sub(r'id = "0{32}" # PLACEHOLDER', f'id = "{"f" * 32}"', path.read_text()))

    refused = site.init("--yes")

    assert refused.returncode == 1
    assert "f" * 32 in refused.stderr
    assert "f" * 32 in path.read_text()
    assert "deploy agentwatch" not in site.made()["changes"]


def test_a_folder_that_is_no_checkout_is_named(site: Site) -> None:
    (site.project / "tools/stage.py").unlink()

    refused = site.init("--dry-run")

    assert refused.returncode == 1
    assert "no checkout of AgentWatch" in refused.stderr


def test_a_sealing_key_that_one_worker_has_and_nobody_here_knows_is_not_replaced(site: Site) -> None:
    site.die_after(5)
    site.init("--yes")
    key = site.made()["agentwatch"]["KEY_ENCRYPTION_KEY"]
    kept = site.folder / "home/.config/agentwatch/default.key_encryption_key"
    kept.unlink()

    refused = site.init("--yes")

    assert refused.returncode == 1
    assert str(kept) in refused.stderr
    assert site.made()["agentwatch"]["KEY_ENCRYPTION_KEY"] == key


def test_what_is_kept_here_is_its_owner_s_alone(site: Site) -> None:
    site.init("--yes")

    kept = list((site.folder / "home/.config/agentwatch").iterdir())
    assert {path.name for path in kept} == {"profiles.json", "default.key_encryption_key"}
    assert [path.stat().st_mode & 0o077 for path in kept] == [0, 0]


def test_what_it_says_to_do_next_can_be_typed(site: Site) -> None:
    said = re.search(r"next: agentwatch (key create .*?);", site.init("--yes").stderr)

    assert said is not None
    tried = subprocess.run(
        [sys.executable, "-m", "agentwatch.cli", *said[1].split(), "--help"], env=site.environment(),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert tried.returncode == 0, tried.stderr


def test_the_profiles_of_another_deployment_are_not_taken_for_this_one_s(site: Site) -> None:
    """Else this Worker would get the other's operator's token, and its tenant would be made there."""
    site.init("--yes")
    before = site.profiles()
    other = ScriptedEdge(lambda: "")
    (site.folder / "state.json").unlink()
    for name in ("wrangler.toml", "queue_consumer/wrangler.toml"):
        shutil.copy(ROOT / name, site.project / name)

    with other:
        refused = site.init("--yes", "--url", other.url)

    assert refused.returncode == 1
    assert "default-operator" in refused.stderr and "--profile" in refused.stderr
    assert "OPERATOR_TOKEN" not in site.made().get("agentwatch", {})
    assert site.profiles() == before
