"""Where things are in a checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local"
BUNDLE_DIR = LOCAL / "pyodide"
INTERPRETER_SNAPSHOT = LOCAL / "interpreter" / "snapshot.bin"
NODE = ROOT / ".venv" / "bin" / "node"
NODE_MODULES = ROOT / "node_modules"
WORKERD = NODE_MODULES / "workerd" / "bin" / "workerd"
