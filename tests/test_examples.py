"""Every example, run for a moment on the backend that runs."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_egan  # registers the classes that files name
from tests import registry

ROOT = Path(__file__).parent.parent
EXAMPLES = ["began", "ebgan", "ls_gan", "lsgan", "magan"]


def run(example, *arguments, cwd):
    return subprocess.run(
        [sys.executable, ROOT / "examples" / f"{example}.py", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("example", EXAMPLES)
def test_it_writes_everything_it_says(example, tmp_path):
    process = run(
        example,
        *("--epochs", 1, "--steps-per-epoch", 3, "--filters", 2, "--batch-size", 16),
        cwd=tmp_path,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    output = tmp_path / example
    assert (output / "samples" / "00000003.png").stat().st_size > 0
    assert (output / "samples" / "samples.gif").stat().st_size > 0
    assert len((output / "equilibrium.csv").read_text().splitlines()) == 4
    assert (output / "equilibrium.png").stat().st_size > 0
    gan = keras.models.load_model(output / f"{example}.keras")
    assert int(gan.step) == 3
    import tensorflow as tf

    served = tf.saved_model.load(str(output / "generator"))
    z = np.random.default_rng(0).uniform(-1, 1, (3, gan.latent_dim)).astype("float32")
    np.testing.assert_allclose(served.serve(z), gan.predict(z, verbose=0), atol=1e-5)


def test_without_tensorflow_it_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.syspath_prepend(ROOT / "examples")
    import common

    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda n: None if n == "tensorflow" else find(n)
    )
    common.finish(registry.CASES[0].build(), tmp_path, "began")
    *_, last = capsys.readouterr().out.splitlines()
    assert last.startswith("Generator:   not exported. ")
    assert last.endswith("Install it with `pip install 'keras_egan[tensorflow]'`.")
    assert [path.name for path in tmp_path.iterdir()] == ["began.keras"]


@pytest.mark.parametrize("example", EXAMPLES)
def test_help_names_the_flags(example, tmp_path):
    process = run(example, "--help", cwd=tmp_path)
    assert process.returncode == 0
    for flag in ("--dataset", "--backend", "--epochs", "--image-size", "--filters", "--output"):
        assert flag in process.stdout


def test_the_example_of_every_public_docstring_is_python():
    """Parsed, not run: their data and networks are the reader's."""
    import ast
    import inspect
    import pkgutil
    import re

    found = 0
    for module in pkgutil.walk_packages(keras_egan.__path__, "keras_egan."):
        if module.name.rpartition(".")[2] in ("tensorflow", "jax", "torch"):
            continue
        imported = importlib.import_module(module.name)
        for name in getattr(imported, "__all__", ()):
            text = inspect.getdoc(getattr(imported, name)) or ""
            for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
                ast.parse(block)
                found += 1
    assert found > 10
