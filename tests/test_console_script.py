"""The console script before the package is imported: which backend, and what can fail."""

import os
import subprocess
import sys

import keras
import pytest

import _keras_egan_command as command
from tests.conftest import on

pytestmark = on("torch")
BACKENDS = "tensorflow", "jax", "torch"


@pytest.mark.parametrize(
    ("written", "installed", "chosen"),
    [
        (None, BACKENDS, None),
        (None, ("jax", "torch"), "jax"),
        (None, ("torch",), "torch"),
        (None, (), None),
        ('{"backend": "tensorflow"}', ("torch",), "torch"),
        ('{"backend": "torch"}', ("jax", "torch"), None),
        ('{"backend": "torch"}', ("jax",), "jax"),
        ("no JSON", ("jax",), "jax"),
    ],
)
def test_the_backend(written, installed, chosen, monkeypatch, tmp_path):
    if written:
        (tmp_path / "keras.json").write_text(written)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(command, "find_spec", lambda name: name in installed or None)
    monkeypatch.delenv("KERAS_BACKEND")
    command._choose_backend()
    assert os.environ.get("KERAS_BACKEND") == chosen


def test_a_backend_that_was_named_stays(monkeypatch, tmp_path):
    monkeypatch.setattr(command, "find_spec", lambda name: name == "jax" or None)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    command._choose_backend()
    assert os.environ["KERAS_BACKEND"] == "tensorflow"


@pytest.mark.parametrize(("given", "kept"), [(None, "1"), ("0", "0")])
def test_tensorflow_gets_onednn_unless_it_was_switched_off(given, kept, monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", given or "")
    if given is None:
        monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
    monkeypatch.setattr(sys, "argv", ["keras_egan", "presets"])
    assert command.main() == 0
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == kept


def script(without, home, before=""):
    """Run the console script in a process in which some packages are not installed."""
    code = f"import sys; sys.modules.update(dict.fromkeys({without!r}));{before}"
    code += "sys.argv = ['keras_egan', 'presets']; import _keras_egan_command as command;"
    code += "sys.exit(command.main())"
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    environment["KERAS_HOME"] = str(home)
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )


def test_it_runs_on_the_backend_that_is_installed(tmp_path):
    done = script([name for name in BACKENDS if name != keras.backend.backend()], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("began/digits")


def test_without_a_backend_it_says_so_in_a_sentence(tmp_path):
    done = script(BACKENDS, tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("keras_egan: Keras is set to the 'tensorflow' backend")
    assert len(done.stderr.splitlines()) == 1


def test_ctrl_c_while_the_package_is_imported(tmp_path):
    package = tmp_path / "keras_egan"
    package.mkdir()
    stopping = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n"
    (package / "__init__.py").write_text(stopping)
    # A suite that a shell runs in the background has inherited that Ctrl-C is ignored.
    before = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    done = script((), tmp_path, f"{before} sys.path.insert(0, {str(tmp_path)!r});")
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "Stopped before anything was done.\n"


def test_a_signal_that_the_shell_ignores_stays_ignored(tmp_path):
    """As Ctrl-C is for a command in the background."""
    package = tmp_path / "keras_egan"
    package.mkdir()
    stopping = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
    (package / "__init__.py").write_text(stopping)
    (package / "cli.py").write_text("main = lambda: print('ran') or 0\n")
    before = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN);"
    done = script((), tmp_path, f"{before}sys.path.insert(0, {str(tmp_path)!r});")
    assert (done.returncode, done.stdout) == (0, "ran\n")
