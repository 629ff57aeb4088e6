"""`python -m tests.core.risk.ordinary_text` writes `vectors/ordinary_text.json`: what engineers and their tools send to
models all day, made from own words and numbers, in which there is nothing to find.

Numbers are as those tools have them, not as the patterns like them. The rule easy to break: what is found here is a fault
of the engine, and no reason to change a text. Left out is what is made of card numbers or telephones by chance.
"""

import base64
import json
import random
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT)]

from tests.calibration import texts  # noqa: E402

PATH = ROOT / "vectors/ordinary_text.json"
CHARACTERS_OF_A_KIND = 2_600
CHARACTERS_OF_A_SAMPLE = 700
LEFT_OUT = ("stamps", "dna")
"""The first has telephones by design. In the second other scanners of this repository see keys of AWS's."""

SOME_WORDS = """
    order cart index queue worker render session cache ledger harbour signal vector anchor bucket cluster pipeline
    payload retry timeout handler adapter schema cursor branch release metric sensor invoice parcel window thread
"""
WORDS = SOME_WORDS.split()
LEVELS = ("DEBUG", "INFO", "WARN", "ERROR")

Line = Callable[[random.Random], str]


def word(choose: random.Random) -> str:
    return choose.choice(WORDS)


def version(choose: random.Random) -> str:
    return f"{choose.randrange(30)}.{choose.randrange(40)}.{choose.randrange(100)}"


def moment(choose: random.Random) -> str:
    day = f"20{choose.randrange(19, 27)}-{choose.randrange(1, 13):02d}-{choose.randrange(1, 29):02d}"
    return f"{day}T{choose.randrange(24):02d}:{choose.randrange(60):02d}:{choose.randrange(60):02d}"


def address(choose: random.Random) -> str:
    return f"10.{choose.randrange(256)}.{choose.randrange(256)}.{choose.randrange(1, 255)}"


def hexes(choose: random.Random, digits: int) -> str:
    return f"{choose.getrandbits(4 * digits):0{digits}x}"


def base64_of(choose: random.Random, count: int) -> str:
    return base64.b64encode(choose.randbytes(count)).decode()


def identifier(choose: random.Random) -> str:
    return str(uuid.UUID(int=choose.getrandbits(128)))


def app_log(choose: random.Random) -> str:
    return (
        f"{moment(choose)}.{choose.randrange(1000):03d}Z {choose.choice(LEVELS)} [{word(choose)}-{choose.randrange(64)}] "
        f"{word(choose)}.{word(choose)} id={choose.randrange(10**9)} took={choose.randrange(10**5)}us "
        f"trace={hexes(choose, 32)} span={hexes(choose, 16)}"
    )


def access_log(choose: random.Random) -> str:
    return (
        f'{address(choose)} - - [26/Nov/2026:{choose.randrange(24):02d}:{choose.randrange(60):02d}:07 +0000] "GET '
        f"/{word(choose)}/{choose.randrange(10**7)}?page={choose.randrange(99)}&ts=17{choose.randrange(10**8):08d}"
        f'{choose.randrange(1000):03d} HTTP/1.1" {choose.choice((200, 304, 404, 502))} {choose.randrange(10**6)}'
    )


def kernel_log(choose: random.Random) -> str:
    return (
        f"[{choose.randrange(10**5):6d}.{choose.randrange(10**6):06d}] pci 0000:{hexes(choose, 2)}:1f.{choose.randrange(8)}: "
        f"BAR {choose.randrange(6)}: assigned [mem 0x{hexes(choose, 8)}-0x{hexes(choose, 8)} 64bit pref]"
    )


def package_lock(choose: random.Random) -> str:
    name = f"@{word(choose)}/{word(choose)}-{word(choose)}"
    return (
        f'"{name}@^{version(choose)}", "{name}@~{version(choose)}":\n  version "{version(choose)}"\n  resolved '
        f'"https://registry.example/{name}/-/{version(choose)}.tgz#{hexes(choose, 40)}"\n  integrity sha512-{base64_of(choose, 64)}\n'
    )


def python_lock(choose: random.Random) -> str:
    name = f"{word(choose)}_{word(choose)}"
    return f'{name}=={version(choose)} ; python_version >= "3.10" \\\n    --hash=sha256:{hexes(choose, 64)}'


def rust_lock(choose: random.Random) -> str:
    return (
        f'[[package]]\nname = "{word(choose)}"\nversion = "{version(choose)}"\nchecksum = "{hexes(choose, 64)}"\n'
        f'dependencies = [\n "{word(choose)} {version(choose)}",\n]\n'
    )


def go_sum(choose: random.Random) -> str:
    stamp = f"2026{choose.randrange(1, 13):02d}{choose.randrange(1, 29):02d}{choose.randrange(10**6):06d}"
    return f"code.example/{word(choose)} v0.0.0-{stamp}-{hexes(choose, 12)} h1:{base64_of(choose, 32)}"


def svg_path(choose: random.Random) -> str:
    points = " ".join(
        f"{choose.choice('MLCSQTAmlcsqta')}{choose.uniform(-900, 900):.{choose.randrange(5)}f}"
        f"{choose.choice((' ', ','))}{choose.uniform(0, 900):.{choose.randrange(5)}f}"
        for _ in range(9)
    )
    return f'<path d="{points}z" transform="matrix({" ".join(f"{choose.random():.6f}" for _ in range(6))})"/>'


def minified_bundle(choose: random.Random) -> str:
    a, b, c = choose.choices("abcdefghijklmnopqrstuvwxyz", k=3)
    return (
        f"!function({a},{b}){{var {c}={choose.randrange(2**32)}>>>0,_={choose.random():.15f};return {a}?{b}[{c}&"
        f"{choose.randrange(255)}]^{choose.randrange(2**31)}:(0,{b}.{word(choose)})({a}||{choose.randrange(10**4)}e{choose.randrange(9)})}}"
        f'(this,{{"{word(choose)}":"{hexes(choose, 8)}"}});'
    )


def source_map(choose: random.Random) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return choose.choice(",;").join("".join(choose.choices(letters, k=choose.choice((1, 4, 4, 5)))) for _ in range(30))


def table(choose: random.Random) -> str:
    return (
        f"{choose.randrange(10**9)},{identifier(choose)},{moment(choose)}Z,{choose.uniform(-180, 180):.6f},"
        f"{choose.uniform(-90, 90):.6f},{choose.randrange(10**10)},{word(choose)} {word(choose)},{choose.random():.4f}"
    )


def tab_table(choose: random.Random) -> str:
    return "\t".join(str(choose.randrange(10 ** choose.randint(1, 10))) for _ in range(8))


def sql_dump(choose: random.Random) -> str:
    return (
        f"INSERT INTO {word(choose)} VALUES ({choose.randrange(10**9)},'{word(choose)}','{moment(choose)}',NULL,"
        f"{choose.uniform(0, 10**6):.2f},0x{hexes(choose, 24).upper()});"
    )


def java_trace(choose: random.Random) -> str:
    return (
        f"\tat com.example.{word(choose)}.{word(choose).title()}$$Lambda$14/0x{hexes(choose, 16)}.run("
        f"{word(choose).title()}.java:{choose.randrange(2000)}) [{word(choose)}-{version(choose)}.jar!/:{version(choose)}]"
    )


def python_trace(choose: random.Random) -> str:
    return (
        f'  File "/srv/{word(choose)}/{word(choose)}.py", line {choose.randrange(3000)}, in {word(choose)}\n    '
        f"return await self.{word(choose)}({word(choose)}={choose.randrange(10**8)}, ratio={choose.random():.3f})"
    )


def go_trace(choose: random.Random) -> str:
    return (
        f"goroutine {choose.randrange(10**5)} [chan receive, {choose.randrange(90)} minutes]:\nmain.(*{word(choose).title()})"
        f".{word(choose)}(0xc{hexes(choose, 9)}, 0x{hexes(choose, 6)})\n\t/src/{word(choose)}.go:{choose.randrange(900)} +0x{hexes(choose, 3)}"
    )


def native_trace(choose: random.Random) -> str:
    return f"#{choose.randrange(40)}  0x{hexes(choose, 16)} in {word(choose)}::{word(choose)} (this=0x{hexes(choose, 12)}) from lib{word(choose)}.so.{choose.randrange(9)}"


def commit(choose: random.Random) -> str:
    return (
        f"commit {hexes(choose, 40)}\nDate:   Thu Nov 26 {choose.randrange(24):02d}:{choose.randrange(60):02d}:07 2026 +0100\n\n"
        f"    {word(choose)}: {word(choose)} the {word(choose)} (#{choose.randrange(10**5)})\n"
    )


def patch(choose: random.Random) -> str:
    return (
        f"diff --git a/{word(choose)}.py b/{word(choose)}.py\nindex {hexes(choose, 10)}..{hexes(choose, 10)} 100644\n@@ -"
        f"{choose.randrange(900)},7 +{choose.randrange(900)},9 @@ def {word(choose)}(self):\n-    x = {choose.randrange(10**6)}\n+    y = "
        f"{choose.random():.8f}\n"
    )


def files(choose: random.Random) -> str:
    return f"-rw-r--r-- 1 root root {choose.randrange(10**9):>11} Nov 26 {choose.randrange(24):02d}:{choose.randrange(60):02d} {word(choose)}@{choose.randrange(2, 4)}x.png"


def hex_dump(choose: random.Random) -> str:
    pairs = " ".join(hexes(choose, 2) for _ in range(16))
    return f"{choose.randrange(2**20) * 16:08x}  {pairs}  |................|"


def certificate(choose: random.Random) -> str:
    lines = "\n".join(base64_of(choose, 48) for _ in range(8))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----"


def public_key(choose: random.Random) -> str:
    return f"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB{base64_of(choose, 252)} {word(choose)}@{word(choose)}"


def picture(choose: random.Random) -> str:
    return f'<img alt="{word(choose)}" width="{choose.randrange(2000)}" src="data:image/png;base64,{base64_of(choose, 300)}">'


def setting(choose: random.Random) -> str:
    return (
        f"{word(choose).upper()}_{word(choose).upper()}={choose.choice(('${SECRET}', 'changeme', '<your-key>', 'true', '8080'))}\n"
        f"DATABASE_URL=postgres://app:${{DB_PASSWORD}}@db.internal:5432/{word(choose)}\nREMOTE=git@host.internal:{word(choose)}/{word(choose)}.git"
    )


def manifest(choose: random.Random) -> str:
    return (
        f"  - name: {word(choose)}\n    image: host.example:5000/{word(choose)}:{version(choose)}@sha256:{hexes(choose, 64)}\n"
        f"    resources: {{limits: {{cpu: {choose.randrange(4000)}m, memory: {choose.randrange(4096)}Mi}}}}\n    uid: {identifier(choose)}"
    )


def span(choose: random.Random) -> str:
    begun = 1_700_000_000_000_000_000 + choose.randrange(10**17)
    return json.dumps(
        {"traceId": hexes(choose, 32), "startTimeUnixNano": str(begun), "endTimeUnixNano": begun + 7, "name": word(choose),
         "attributes": {"http.status_code": 200, "thread.id": choose.randrange(10**6), "net.peer.ip": address(choose)}}
    )  # fmt: skip


def metric(choose: random.Random) -> str:
    return f'{word(choose)}_{word(choose)}_seconds_bucket{{le="{choose.random():.3f}",pod="{word(choose)}-{hexes(choose, 10)}-x{hexes(choose, 4)}"}} {choose.uniform(0, 10**9):.3f} 17{choose.randrange(10**11):011d}'


def bibliography(choose: random.Random) -> str:
    return f"ISBN 978-{choose.randrange(10)}-{choose.randrange(10**4):04d}-{choose.randrange(10**4):04d}-{choose.randrange(10)}, doi:10.{choose.randrange(1000, 9999)}/{hexes(choose, 8)}, pp. {choose.randrange(300)}-{choose.randrange(300, 900)}"


def prices(choose: random.Random) -> str:
    return f"{choose.randrange(10**4):,} x ${choose.uniform(1, 9999):,.2f} = {choose.uniform(1, 10**7):,.2f} USD ({choose.uniform(-30, 30):+.1f} %), order {choose.randrange(10**7)}-{choose.randrange(100)}"


def machining(choose: random.Random) -> str:
    return f"N{choose.randrange(10**5)} G1 X{choose.uniform(-200, 200):.4f} Y{choose.uniform(-200, 200):.4f} Z{choose.random():.3f} E{choose.uniform(0, 9):.5f} F{choose.randrange(9000)}"


def genome(choose: random.Random) -> str:
    return f"chr{choose.randrange(1, 23)}\t{choose.randrange(10**9)}\t{choose.randrange(10**9)}\trs{choose.randrange(10**9)}\t{' '.join(''.join(choose.choices('ACGT', k=10)) for _ in range(5))}"


def assembler(choose: random.Random) -> str:
    return f"  {hexes(choose, 6)}:\t{' '.join(hexes(choose, 2) for _ in range(7))}\tmov    $0x{hexes(choose, 8)},%r{choose.randrange(8, 16)}d"


def tokens_of_a_model(choose: random.Random) -> str:
    return "[" + ", ".join(str(choose.randrange(200_000)) for _ in range(24)) + "]"


LINES: dict[str, Line] = {
    line.__name__.replace("_", " "): line
    for line in (
        app_log, access_log, kernel_log, package_lock, python_lock, rust_lock, go_sum, svg_path, minified_bundle, source_map,
        table, tab_table, sql_dump, java_trace, python_trace, go_trace, native_trace, commit, patch, files, hex_dump,
        certificate, public_key, picture, setting, manifest, span, metric, bibliography, prices, machining, genome,
        assembler, tokens_of_a_model,
    )
}  # fmt: skip


def cases() -> Iterator[tuple[str, str]]:
    for kind, line in LINES.items():
        choose = random.Random(kind)
        lines = [line(choose)]
        while sum(map(len, lines)) < CHARACTERS_OF_A_KIND:
            lines.append(line(choose))
        yield kind, "\n".join(lines)
    yield from _written()


def _written() -> Iterator[tuple[str, str]]:
    """A sample each of what the estimate of tokens is measured on: prose and code of ours, and generated text."""
    seen: set[str] = set()
    for kind, text in texts.samples():
        is_wanted = kind not in texts.NOT_LANGUAGE and kind not in LEFT_OUT and kind not in seen
        if is_wanted and len(text) >= CHARACTERS_OF_A_SAMPLE:
            seen.add(kind)
            yield kind.replace("_", " "), f"so: {text[: CHARACTERS_OF_A_SAMPLE * 3]}"


def main() -> None:
    lines = ",\n".join(f"  {json.dumps({'id': kind, 'text': text}, ensure_ascii=False)}" for kind, text in cases())
    PATH.write_text(f'{{\n "cases": [\n{lines}\n ]\n}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
