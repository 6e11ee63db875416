"""The documentation's links lead somewhere, and its Python is Python."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")])


def anchors(page):
    """Returns the names that a page's headings have on GitHub."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_is_broken(page):
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), link
        if anchor:
            assert anchor in anchors(target), link


def test_every_picture_is_shown():
    shown = {
        Path(link).name
        for page in PAGES
        for link in re.findall(r"!\[.*?\]\((.+?)\)", page.read_text())
    }
    assert {path.name for path in ROOT.glob("docs/*.png")} == shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_is_python(page):
    """Parsed, not run: data and names are the reader's."""
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        ast.parse(block)


def test_the_readme_begins_with_the_two_commands():
    """`.ci/run` runs the second."""
    first, second = re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert first == 'python -m pip install ".[tensorflow,examples]"\npython examples/began.py\n'
    assert second.startswith('python -m pip install ".[test]"\nKERAS_BACKEND=tensorflow python -m ')
