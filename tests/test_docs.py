"""The documentation's links lead somewhere, its pictures are shown, its commands are in place."""

import re
from pathlib import Path

import pytest

from tests.conftest import on

pytestmark = on("torch")

ROOT = Path(__file__).parent.parent
SITE = sorted(ROOT.glob("docs/**/*.md"))
PAGES = sorted([*ROOT.glob("*.md"), *SITE, *ROOT.glob("benchmarks/*.md")])
NOTEBOOKS = sorted(ROOT.glob("docs/notebooks/*.py"))


def named(path):
    return str(path.relative_to(ROOT))


def anchors(page):
    """Returns the names that a page's headings have on GitHub and in the site."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_link_is_broken(page):
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=named)
def test_no_link_of_a_notebook_is_broken(notebook):
    """Theirs are of the site's folders, which no one else checks: `../../guides/files/`."""
    for link in re.findall(r"\]\((\.\./[^)#]+)", notebook.read_text()):
        # A notebook is a folder of the site, a level below its source.
        target = notebook.parent / link.removeprefix("../")
        assert target.is_file() or target.with_suffix(".md").is_file(), link


def test_every_picture_is_shown():
    shown = {
        Path(link).name
        for page in PAGES
        for link in re.findall(r"!\[.*?\]\((.+?)\)", page.read_text())
    }
    assert {path.name for path in ROOT.glob("docs/images/*.png")} == shown


def test_the_readme_begins_with_the_two_commands():
    """`.ci/run` runs the second."""
    first, second = re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert first == 'python -m pip install ".[tensorflow,examples]"\npython examples/began.py\n'
    assert second.startswith('python -m pip install ".[test]"\nKERAS_BACKEND=tensorflow python -m ')
