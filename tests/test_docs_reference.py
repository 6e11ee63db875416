"""The built site's reference has each name that a user may call, set or override.

The tests need the site: SITE=folder after `mkdocs build --site-dir folder`.
"""

import importlib
import os
import re
from pathlib import Path

import pytest

import keras_egan
from tests.conftest import on
from tests.test_keras_conventions import OWN, SURFACE

pytestmark = [
    on("jax"),
    pytest.mark.skipif("SITE" not in os.environ, reason="needs the built site in SITE"),
]
MODULES = (
    "anomaly augment callbacks datasets export layers losses metrics networks pictures presets"
)


@pytest.fixture(scope="module")
def reference():
    pages = sorted(Path(os.environ["SITE"]).glob("reference/*/index.html"))
    assert len(pages) > 10
    return "".join(page.read_text() for page in pages)


@pytest.mark.parametrize("module", MODULES.split())
def test_each_public_name_of_a_module_is_there(module, reference):
    names = importlib.import_module(f"keras_egan.{module}").__all__
    assert [name for name in names if not documented(f"{module}.{name}", reference)] == []


def test_each_public_name_of_the_package_is_there(reference):
    own = {*keras_egan.__all__} - {*MODULES.split(), "backend"}
    assert [name for name in sorted(own) if not documented(f"keras_egan.{name}", reference)] == []


@pytest.mark.parametrize("gan", OWN)
def test_each_name_of_a_gan_is_there(gan, reference):
    """A method has a heading of its own; an attribute is mentioned."""
    kind, missing = getattr(keras_egan, gan), []
    for name in [*SURFACE.split(), *OWN[gan].split()]:
        heading = rf'id="keras_egan\.[^"]*\b({name}|{name}_gan)"'
        method = callable(getattr(kind, name, None))
        if not re.search(heading if method else rf"{heading}|<code>{name}</code>", reference):
            missing.append(name)
    assert missing == []


def test_no_internal_name_is_shown(reference):
    assert re.findall(r'id="keras_egan\.callbacks\.Backup\.\w+"', reference) == []
    assert re.findall(r'id="keras_egan[^"]*\._[a-z]\w*"', reference) == []


def documented(name, reference):
    """Return whether a name has a heading or, like constants, is mentioned."""
    return f'id="keras_egan.{name.removeprefix("keras_egan.")}"' in reference or (
        f"<code>{name}</code>" in reference
    )
