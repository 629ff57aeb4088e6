"""The deploy gate that works offline: no secret among the vars, wrangler's dry run, and each Worker started from its
own memory snapshot.

wrangler checks nothing inside Python and leaves files out in silence, so what it would upload is compared with what
was staged. The platform starts a Python Worker from a snapshot taken after its imports; workerd takes and loads the
same kind here, which fails on a JavaScript object or on randomness at module level. The snapshot must answer, too.
"""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from rich.console import Console

from local.paths import LOCAL, NODE, NODE_MODULES, ROOT
from local.processes import StackError
from local.snapshots import load, run_step, take
from local.vars_check import secrets_in
from local.worker_config import MODULES_ROOT, LocalLimits, worker_options

CONFIGS = (ROOT / "wrangler.toml", ROOT / "queue_consumer" / "wrangler.toml")
WORK_DIR = LOCAL / "deploy_check"
WRANGLER = NODE_MODULES / "wrangler" / "bin" / "wrangler.js"


def no_secrets(toml_path: Path) -> None:
    """Require that the file may be seen by anybody."""
    places = secrets_in(tomllib.loads(toml_path.read_text()))
    if places:
        raise StackError(f"secrets in {toml_path.name}, set them by `wrangler secret put`: {', '.join(places)}")


def dry_run(toml_path: Path, options: dict[str, Any], work_dir: Path) -> None:
    """Let wrangler build the upload, and require every staged file in it."""
    upload = work_dir / "upload"
    command = [NODE, WRANGLER, "deploy", "--dry-run", "--config", toml_path, "--outdir", upload]
    run_step("wrangler deploy --dry-run", command, {"WRANGLER_SEND_METRICS": "false", "CI": "1"})
    places = (Path(module["path"]).relative_to(MODULES_ROOT) for module in options["modules"])
    missing = [str(place) for place in places if not (upload / place).is_file()]
    if missing:
        raise StackError(f"wrangler leaves files out of the upload: {', '.join(missing)}")


def main() -> int:
    """Check both Workers; says what would not deploy and returns 1, or returns 0."""
    console = Console()
    subprocess.run([sys.executable, ROOT / "tools" / "stage.py"], check=True)
    for toml_path in CONFIGS:
        options = worker_options(toml_path, {}, LocalLimits())
        work_dir = WORK_DIR / options["name"]
        shutil.rmtree(work_dir, ignore_errors=True)
        work_dir.mkdir(parents=True)
        try:
            no_secrets(toml_path)
            with console.status(f"{options['name']}: wrangler's dry run"):
                dry_run(toml_path, options, work_dir)
            with console.status(f"{options['name']}: memory snapshot"):
                take(options, work_dir)
                load(work_dir)
        except StackError as error:
            console.print(f"[red]{options['name']} would not deploy:[/red] ", end="")
            console.print(str(error), markup=False, highlight=False)
            return 1
        console.print(f"{options['name']}: uploads whole, starts from its memory snapshot and answers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
