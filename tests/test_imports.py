"""Which module may import which, by the contracts in pyproject.toml, and what none may change.

The tests read the source and import nothing of it, so the backend does not matter.
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

# A module, a forbidden line, and the contract that the line breaks; None: it breaks none.
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
    ("automatic/plan.py", "from keras_egan.automatic import _train", "automatic"),
    ("automatic/odd.py", "import keras", "automatic"),
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
    """Run lint-imports in a process where `keras_egan` is the copy with the planted lines."""
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
    """Nothing imports `keras.src`, a part of another package, which the contracts cannot see."""
    for path in PACKAGE.rglob("*.py"):
        assert not any(name.startswith("keras.src") for name in imported(path)), path


FRAMEWORKS = ("jax", "keras", "tensorflow", "torch")
FOREIGN = ("discriminator", "distribution", "generator", "optimizer", "strategy", "variable")
"""Objects of users or of Keras, by the last parts of their names here."""

SET_ON_OTHERS = [
    "import keras\nkeras.layers.Layer.call = None",
    "from jax import lax\nlax.conv, x = None, 1",
    "import torch\nsetattr(torch.nn, 'Linear', None)",
    "def late():\n    from tensorflow import Module as Base\n    vars(Base)['name'] = 1",
    "variable.constraint = None",
    "self.d_optimizer.name += '1'",
    "object.__setattr__(gan.optimizer, 'name', 'mine')",
    "del gan.generator.__dict__['name']",
]


def owners(node):
    """Yield the expressions whose attributes a node sets."""
    stored = isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del))
    if stored and isinstance(node, ast.Attribute) and node.attr != "learning_rate":  # Keras's way
        yield node.value
    elif stored and isinstance(node, ast.Subscript):
        if isinstance(node.value, ast.Attribute) and node.value.attr == "__dict__":
            yield node.value.value
        elif isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "vars":
            yield node.value.args[0]
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("setattr", "setattr__")):
        yield node.args[0]


def set_on_others(source):
    """Return the owners of attributes that a source sets, if they are visibly not ours."""
    nodes = list(ast.walk(ast.parse(source)))
    frameworks = set()
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                module = getattr(node, "module", None) or alias.name
                if module.partition(".")[0] in FRAMEWORKS:
                    frameworks.add(alias.asname or alias.name.partition(".")[0])
    found = []
    for node in nodes:
        for owner in owners(node):
            name = ast.unparse(owner)
            if name.partition(".")[0] in frameworks or name.endswith(FOREIGN):
                found.append(name)
    return found


@on("jax")
def test_no_attribute_of_what_is_not_ours_is_set():
    for source in SET_ON_OTHERS:
        assert set_on_others(source), source
    for path in PACKAGE.rglob("*.py"):
        assert not set_on_others(path.read_text()), path
