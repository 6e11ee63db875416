"""One backend per run: that of KERAS_BACKEND, which must be set."""

import os
from importlib import metadata

import pytest

BACKEND = os.environ.get("KERAS_BACKEND")
if BACKEND not in ("tensorflow", "jax", "torch"):
    raise pytest.UsageError("Set KERAS_BACKEND to tensorflow, jax or torch: one run tests one.")

# On networks this small, threads cost more than they save.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# JAX's programs run for a moment here, so fast compilation matters more than fast programs.
XLA_FLAGS = "--xla_backend_optimization_level=0"
if metadata.version("jax").startswith("0.10."):  # JAX 0.12 ends the process at this flag
    XLA_FLAGS += " --xla_cpu_use_fusion_emitters=false"

if BACKEND == "jax":
    os.environ.setdefault("XLA_FLAGS", XLA_FLAGS)

# Without oneDNN, TensorFlow on a CPU lacks channels-first and dilated transposed convolutions.
# It is off by default on some processors, at least on one without AVX-512.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def pytest_configure(config):
    """Have JAX compile each of the tests' tiny programs once, and keep it for the next runs.

    The processes that pytest starts inherit the folder; `--cache-clear` empties it.
    """
    if BACKEND == "jax":
        import jax

        if "JAX_COMPILATION_CACHE_DIR" not in os.environ and hasattr(config, "cache"):
            os.environ["JAX_COMPILATION_CACHE_DIR"] = str(config.cache.mkdir("jax"))
        folder = os.environ.get("JAX_COMPILATION_CACHE_DIR")
        jax.config.update("jax_compilation_cache_dir", folder)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


def pytest_collection_modifyitems(config, items):
    """Deselect the tests of other backends, and move the slow ones to the front.

    Idle workers take tests from the end of a queue. Slow tests at its front stay together, so that
    the fixtures that they share are made once.
    """
    runs = {True: [], False: []}
    for item in items:
        runs[all(mark.args == (BACKEND,) for mark in item.iter_markers("on"))].append(item)
    config.hook.pytest_deselected(items=runs[False])
    items[:] = sorted(runs[True], key=lambda item: item.get_closest_marker("slow") is None)


def on(backend):
    """Mark a test whose outcome cannot differ by backend, so that it runs on this one alone.

    Without a reason for another it is PyTorch, which compiles nothing.
    """
    return pytest.mark.on(backend)


def few(cases, *names):
    """Return the cases: all run on PyTorch, and the named ones on every backend."""
    known = [getattr(case, "name", case) for case in cases]
    assert {*names} <= {*known}
    return [
        case if name in names else pytest.param(case, marks=on("torch"))
        for case, name in zip(cases, known, strict=True)
    ]


@pytest.fixture(autouse=True)
def fixed_seed():
    """Make weights without a seed of their own the same in each run.

    Otherwise a unit of so small a network can be dead from the start, and a test fails once in a
    thousand runs.
    """
    import keras

    keras.utils.set_random_seed(0)
