"""The extras that errors name bring what is missing; the licence covers all that is shipped."""

import ast
import re
import tomllib
from pathlib import Path

from keras_egan.extras import command
from tests.conftest import on

pytestmark = on("torch")

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
DISTRIBUTIONS = {"PIL": "pillow"}  # whose module has another name


def brought(extra):
    """Yield the distributions that an extra installs."""
    for requirement in EXTRAS[extra]:
        name, extras = re.match(r"([\w-]+)(?:\[([\w,]+)\])?", requirement).groups()
        if name == "keras_egan":
            for other in extras.split(","):
                yield from brought(other)
        else:
            yield name.replace("-", "_").lower()


def named():
    """Yield the module and the extra of each call of `require` and `missing`."""
    for path in (ROOT / "keras_egan").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Name(id="require" | "missing"),
                    args=[ast.Constant(str(module)), ast.Constant(str(extra)), *_],
                ):
                    yield module.partition(".")[0], extra


def test_each_error_names_the_extra_for_its_module():
    found = set(named())
    assert {"PIL", "matplotlib", "mlxtend", "tensorflow_datasets"} <= {m for m, _ in found}
    for module, extra in found:
        assert DISTRIBUTIONS.get(module, module) in set(brought(extra))
        assert extra not in ("examples", "test")  # these bring more than errors name


def test_an_error_says_what_works_from_a_checkout():
    assert command("jax") == '`python -m pip install ".[jax]"` in the folder of the repository'


def test_datasets_bring_what_reads_images_and_the_examples_all_that_they_use():
    assert "pillow" in set(brought("datasets"))
    assert {"pillow", "matplotlib", "mlxtend", "tensorflow_datasets"} <= set(brought("examples"))


def test_the_licence_covers_the_pretrained_gans():
    trained = ROOT / "keras_egan/presets/trained"
    table = (trained / "README.md").read_text()
    licences = dict(re.findall(r"^\| `(\S+\.keras)` .*\| ([^|]+) \|$", table, re.MULTILINE))
    assert {*licences} == {path.name for path in trained.glob("*.keras")}
    for licence in licences.values():
        name = licence.replace(" ", "-")
        assert name in PROJECT["license"].split(" AND ")
        assert (ROOT / f"LICENSES/{name}.txt").exists()
