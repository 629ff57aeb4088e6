"""The comparison with other gateways, but for the gateways: installing, configuring, judging and dividing."""

import sys

import pytest

from bench.measuring.figures import Latency
from bench.peers.cap import CAP_NANOUSD, CAP_USD, judged
from bench.peers.comparison import FULL, Comparison, Load, ratios
from bench.peers.gateways import litellm_config, portkey_headers
from bench.peers.installing import Installation, install, litellm_installation, portkey_installation, reason
from bench.peers.report import peers_json, peers_tables
from bench.peers.rounds import JSON, STREAM, Figures, shares

MOCK = "http://127.0.0.1:9999"


def a_peer(tmp_path, *script: str, pins: str = "") -> Installation:
    """One that Python lines in its folder install."""
    lock = tmp_path / "pins.txt"
    lock.write_text(pins)
    commands = tuple((sys.executable, "-c", line) for line in script)
    return Installation("Peer", "1.2.3", tmp_path / "peer", (lock,), commands)


@pytest.fixture(autouse=True)
def logs(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.peers.installing.LOGS", tmp_path / "logs")


def an_entry(ended="complete", *, billed=100, generated=40):
    return {"ended": ended, "billed_nanousd": billed, "generated_tokens": generated}


def figures(*, rate: float, p50: float, first: float | None = None) -> Figures:
    return Figures(Latency(10, p50, p50), None if first is None else Latency(10, first, first), rate, 1.0)


def a_load(**more: Figures) -> Load:
    ours = {"AgentWatch": figures(rate=200, p50=5), FULL: figures(rate=100, p50=10)}
    return Load("JSON", 16, {"direct": figures(rate=2000, p50=0.5), **more, **ours})


def test_a_peer_is_installed_into_its_folder_by_its_pins(tmp_path):
    peer = a_peer(tmp_path, "import shutil; shutil.copy('pins.txt', 'made')", pins="peer==1.2.3")

    assert install(peer, lambda message: None) is None
    assert (peer.folder / "made").read_text() == "peer==1.2.3"


def test_a_peer_is_installed_once_for_its_pins(tmp_path):
    count = "from pathlib import Path; p = Path('../runs'); p.write_text(p.read_text() + '.' if p.exists() else '.')"
    for pins in ("one", "one", "other"):
        install(a_peer(tmp_path, count, pins=pins), lambda message: None)

    assert (tmp_path / "runs").read_text() == ".."


def test_a_peer_that_cannot_be_installed_says_why(tmp_path):
    peer = a_peer(tmp_path, "print('ERROR: No matching distribution found for peer==1.2.3'); raise SystemExit(1)")

    told = install(peer, lambda message: None)

    assert told == "could not be installed: ERROR: No matching distribution found for peer==1.2.3"


def test_what_comes_after_a_failed_command_does_not_run(tmp_path):
    peer = a_peer(tmp_path, "raise SystemExit(1)", "open('made', 'w')")

    install(peer, lambda message: None)

    assert not (peer.folder / "made").exists()


def test_an_installer_that_is_not_there_is_a_reason_too(tmp_path):
    peer = Installation("Peer", "1.2.3", tmp_path / "peer", (), (("/nowhere/npm", "ci"),))

    assert "/nowhere/npm is missing" in str(install(peer, lambda message: None))


def test_a_failed_installation_is_tried_again(tmp_path):
    install(a_peer(tmp_path, "raise SystemExit(1)"), lambda message: None)

    assert install(a_peer(tmp_path, "pass"), lambda message: None) is None


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("fetching\nnpm error code EUSAGE\nnpm error\nnpm error no lock", "npm error code EUSAGE; npm error no lock"),
        ("ERROR: one\n" * 9, "ERROR: one; ERROR: one; ERROR: one"),
        (f"ERROR: {'x' * 500}", f"ERROR: {'x' * 113}"),
        ("fetching\nkilled\n\n", "killed"),
        ("", "it said nothing"),
    ],
    ids=["errors", "many", "long", "no error", "silence"],
)
def test_the_reason_is_what_the_installer_says_of_its_error(output, told):
    assert reason(output) == told


def test_what_is_installed_is_what_the_locks_say():
    litellm, portkey = litellm_installation(), portkey_installation()
    lock = litellm.pins[0].read_text()

    assert f"\nlitellm=={litellm.version} " in lock
    assert f"litellm[proxy]=={litellm.version}" in litellm.pins[0].with_suffix(".in").read_text()
    assert f'"version": "{portkey.version}"' in portkey.pins[1].read_text()


def test_litellm_is_pointed_at_the_mock_alone():
    config = litellm_config(MOCK)

    assert {model["litellm_params"]["api_base"] for model in config["model_list"]} == {f"{MOCK}/openai/v1"}
    assert "router_settings" not in config


def test_litellm_s_budget_is_the_cap():
    budgets = litellm_config(MOCK, CAP_USD)["router_settings"]["provider_budget_config"]

    assert budgets == {"openai": {"budget_limit": 0.05, "time_period": "1d"}}
    assert float(CAP_USD) * 10**9 == CAP_NANOUSD


def test_portkey_is_told_the_mock_by_header():
    assert portkey_headers(MOCK)["x-portkey-custom-host"] == f"{MOCK}/openai/v1"


def test_a_call_to_every_gateway_is_the_same_but_for_its_stream():
    assert JSON.body("gpt-4o").replace(b'"max_tokens": 50', b'"max_tokens": 20, "stream": true') == STREAM.body(
        "gpt-4o"
    )


def test_the_journal_says_what_was_spent_whatever_the_clients_saw():
    entries = [an_entry()] * 3 + [an_entry("client_disconnected", billed=30, generated=7)]

    found = judged("way", "JSON", entries, [200, 200, 402, None, 402, 200], 402, 1.0)

    assert (found.spent_nanousd, found.completed, found.cut) == (330, 3, 1)
    assert (found.calls, found.refused, found.broken, found.would_cost_nanousd) == (6, 2, 1, 600)


def test_a_call_that_generated_nothing_was_not_cut():
    assert judged("way", "JSON", [an_entry("error", billed=0, generated=0)], [500], 200, 1.0).cut == 0


@pytest.mark.parametrize(("billed", "over"), [(CAP_NANOUSD // 2, 0), (CAP_NANOUSD, CAP_NANOUSD)])
def test_only_what_is_billed_beyond_the_cap_is_over_it(billed, over):
    assert judged("way", "JSON", [an_entry(billed=billed)] * 2, [200, 200], 402, 1.0).over_cap_nanousd == over


def test_a_ratio_is_ours_divided_by_the_peer_s():
    found = ratios(a_load(LiteLLM=figures(rate=50, p50=20)))

    assert [(each.ours, each.peer, each.calls_a_second, each.p50) for each in found] == [
        ("AgentWatch", "LiteLLM", 4.0, 0.25),
        (FULL, "LiteLLM", 2.0, 0.5),
    ]


def test_first_tokens_are_divided_where_there_are_any():
    stream = {
        name: figures(rate=1, p50=100, first=first)
        for name, first in (("Portkey", 4.0), ("AgentWatch", 8.0), (FULL, 12.0))
    }

    assert [each.first_p50 for each in ratios(Load("stream", 1, stream))] == [2.0, 3.0]


@pytest.mark.parametrize(
    ("count", "connections", "found"),
    [(1_000, 1, (20, 50)), (1_000, 16, (15, 4)), (1_000, 64, (3, 5)), (80, 64, (2, 4))],
)
def test_calls_are_shared_out_to_rounds_and_connections(count, connections, found):
    assert shares(count, connections) == found


def test_a_peer_that_is_absent_is_reported_beside_the_others():
    versions = {"LiteLLM": "1.0", "Portkey": "2.0"}
    reason = "could not be installed: no such version"
    found = Comparison(versions, {"Portkey": reason}, [a_load(LiteLLM=figures(rate=50, p50=20))], [])

    assert peers_json(found)["absent"] == {"Portkey": reason}
    assert f"Portkey 2.0 {reason}" in list(peers_tables(found)[0].columns[1].cells)
