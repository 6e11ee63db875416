"""The backends: their names, their imports, their parity, and their error messages."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan.extras import command
from tests import parity
from tests.conftest import XLA_FLAGS, on
from tests.registry import CASES, EAGERLY, float_images

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "keras_egan"
BACKENDS = ("tensorflow", "jax", "torch")
BACKEND = keras.backend.backend()


def start(code, backend=BACKEND, **environment):
    """Run Python code, or Python with these arguments, in a process of its own."""
    command = ["-c", code] if isinstance(code, str) else list(map(str, code))
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output(process):
    """Wait for a process, and return its output."""
    printed, errors = process.communicate()
    assert process.returncode == 0, errors[-3000:]
    return printed


def run(*arguments, **environment):
    return output(start(*arguments, **environment))


@pytest.mark.parametrize(
    ("folder", "common"), [("backend", "common"), ("backend/distributed", "single")]
)
def test_the_backends_mirror_one_another(folder, common):
    def public(module):
        tree = ast.parse((PACKAGE / folder / f"{module}.py").read_text())
        defined = (node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef)))
        return {node.name for node in defined if not node.name.startswith("_")}

    own = [public(backend) - public(common) for backend in BACKENDS]
    assert own[0] == own[1] == own[2]


def test_importing_brings_in_no_more_than_keras_does():
    code = "import sys, keras; a = set(sys.modules); import keras_egan; print(set(sys.modules) - a)"
    brought = {name.partition(".")[0] for name in ast.literal_eval(run(code).strip())}
    assert brought <= {"keras_egan", *sys.stdlib_module_names}


def test_a_backend_that_is_not_installed_is_named():
    code = (
        f"import sys; sys.modules[{BACKEND!r}] = None\n"
        "try:\n    import keras_egan\nexcept ImportError as error:\n    print(error)"
    )
    printed = run(code)
    assert f"'{BACKEND}' backend, which is not installed" in printed
    assert command(BACKEND) in printed


def test_another_backend_is_refused():
    code = "try:\n    import keras_egan\nexcept ImportError as error:\n    print(error)"
    assert "Keras is set to 'numpy'" in run(code, backend="numpy")


def test_gradients_touch_only_the_variables_asked_for():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1), keras.layers.Dense(1)])
    model.compile("sgd")
    first, second = model.layers
    first.kernel.assign([[1.0], [2.0]])
    second.kernel.assign([[3.0]])
    x = np.array([[5.0, 7.0]], "float32")

    def objective():
        value = keras.ops.sum(model(x))
        return keras.ops.square(value), {"value": value}

    grads, figures = keras_egan.backend.gradients(objective, [second.kernel], model)
    assert float(figures["value"]) == 3 * 19.0
    (grad,) = (keras.ops.convert_to_numpy(grad) for grad in grads)
    np.testing.assert_allclose(grad, [[2 * 57.0 * 19.0]], rtol=1e-6)
    if BACKEND == "torch":
        assert first.kernel.value.grad is second.kernel.value.grad is None


@pytest.mark.slow
@on("tensorflow")
@pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning")
@pytest.mark.parametrize(
    "names",
    [
        ["began", "magan", "ls_gan_classes", "cls_gan"],
        pytest.param(parity.EVERY, marks=pytest.mark.nightly),
    ],
    ids=["some", "every"],
)
def test_the_backends_train_alike_and_open_each_others_files(names, tmp_path):
    """Test every ordered pair of backends."""
    for backend in BACKENDS:
        (tmp_path / backend).mkdir()
    command = ["-m", "tests.parity", tmp_path, *names]
    others = [start(command, "jax", XLA_FLAGS=XLA_FLAGS), start(command, "torch")]
    try:
        parity.run(tmp_path, names)
    finally:  # a process that this one waits for in vain has failed by itself
        for other in others:
            output(other)


def test_a_batch_goes_the_way_that_contributing_says():
    listed = re.findall(r"^  \d\. `(.+?)`", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    expected = [name.replace("jax", BACKEND) for name in listed]
    assert len(expected) == 8
    gan, images, entered = CASES[0].build(**EAGERLY), float_images(13), []

    def note(frame, event, _):
        path, code = Path(frame.f_code.co_filename), frame.f_code
        if event == "call" and path.is_relative_to(PACKAGE):
            given = [frame.f_locals.get(name) for name in code.co_varnames[: code.co_argcount]]
            shapes = [getattr(array, "shape", None) for array in keras.tree.flatten(given)]
            if images.shape in map(tuple, filter(None, shapes)):
                entered.append(path.relative_to(PACKAGE).as_posix())

    sys.setprofile(note)
    try:
        gan.fit(images, batch_size=13, verbose=0)
    finally:
        sys.setprofile(None)
    assert [name for name in dict.fromkeys(entered) if name in expected] == expected
