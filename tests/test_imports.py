"""Which module may import which: the contracts of import-linter in pyproject.toml.

They are the same on every backend, and held against the source alone: nothing of it is imported.
"""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import on

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "keras_egan"
CONTRACTS = ROOT / "pyproject.toml"

# A module, a line that it must not have, and the contract that it breaks; None breaks none.
PLANTED = [
    ("losses.py", "from keras_egan import networks", "pure"),
    ("losses.py", "from keras_egan.gans import EnergyGAN", "layers"),
    ("networks/_mlp.py", "from keras_egan.networks._dcgan import dcgan_autoencoder", None),
    ("networks/_mlp.py", "from keras_egan.gans.began import BEGAN", "pure"),
    ("augment/_diff_augment.py", "from ..networks._layers import pad", "pure"),
    ("gans/began.py", "from keras_egan import backend", "papers"),
    ("gans/ebgan.py", "from keras_egan.networks._dcgan import dcgan_autoencoder", "papers"),
    ("gans/magan.py", "def late():\n    from keras_egan.gans.ebgan import EBGAN", "gans"),
    ("gans/odd.py", "import keras", "gans"),
    ("backend/torch.py", "import keras_egan.gans.energy_gan", "layers"),
    ("metrics/_nearest.py", "def late():\n    import torch", "frameworks"),
    ("datasets/batches.py", "from jax import numpy as jnp", "frameworks"),
    ("callbacks/_schedule.py", "from keras_egan.training import run as a_run", "layers"),
    ("datasets/inputs.py", "from keras_egan.metrics import streams", "layers"),
    ("training/step.py", "from keras_egan.training.run import Run", "training"),
    ("training/run.py", "import keras_egan", "face"),
    ("odd.py", "import keras", "layers"),
]

LINT = """
import json, sys
from importlinter.cli import lint_imports
from pathlib import Path

folder, config, planted = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
sys.path.insert(0, str(folder))
kept = []
for name, line, contract in planted:
    path = folder / "keras_egan" / name
    before = path.read_text() if path.exists() else None
    path.write_text((before or "") + "\\n" + line + "\\n")
    limit = (contract,) if contract else ()
    failed = lint_imports(config, limit_to_contracts=limit, no_cache=True, is_debug_mode=True)
    kept.append(not failed)
    path.unlink() if before is None else path.write_text(before)
print(json.dumps(kept))
"""


@on("jax")
def test_the_contracts_are_kept():
    from importlinter.cli import lint_imports

    assert lint_imports(str(CONTRACTS), no_cache=True, is_debug_mode=True, no_logo=True) == 0


@on("jax")
def test_each_planted_import_breaks_its_contract(tmp_path):
    """In a process of its own, where `keras_egan` is the copy that they are planted in."""
    shutil.copytree(
        PACKAGE, tmp_path / "keras_egan", ignore=shutil.ignore_patterns("trained", "__pycache__")
    )
    command = [sys.executable, "-c", LINT, tmp_path, CONTRACTS, json.dumps(PLANTED)]
    done = subprocess.run(
        list(map(str, command)), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    kept = json.loads(done.stdout.splitlines()[-1])
    assert kept == [contract is None for _, _, contract in PLANTED]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@on("jax")
def test_keras_is_public():
    """Nothing reaches into `keras.src`: the contracts see no part of another package."""
    for path in PACKAGE.rglob("*.py"):
        assert not any(name.startswith("keras.src") for name in imported(path)), path
