"""The documentation's links, pictures and commands; the length of its first pages."""

import importlib.util
import inspect
import re
import shlex
from pathlib import Path

import pytest

import keras_egan
from keras_egan import cli
from tests.conftest import on

pytestmark = on("torch")

ROOT = Path(__file__).parent.parent
SITE = sorted(ROOT.glob("docs/**/*.md"))
PAGES = sorted([*ROOT.glob("*.md"), *SITE, *ROOT.glob("benchmarks/*.md")])
NOTEBOOKS = sorted(ROOT.glob("docs/notebooks/*.py"))


def named(path):
    return str(path.relative_to(ROOT))


def anchors(page):
    """Return the anchors of a page's headings on GitHub, in the site and in the reference."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    own = {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in headings}
    return own | {*re.findall(r"^::: (\S+)$", page.read_text(), re.MULTILINE)}


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
    """They name folders of the site, such as `../../guides/files/`, unchecked by mkdocs."""
    for link in re.findall(r"\]\((\.\./[^)#]+)", notebook.read_text()):
        # A notebook is a folder of the site, a level below its source.
        target = notebook.parent / link.removeprefix("../")
        assert target.is_file() or target.with_suffix(".md").is_file(), link


def commands(page):
    """Yield the words of a page's commands, without variables of the environment."""
    text = page.read_text().replace("\\\n", " ")
    for code in re.findall(r"^ *```bash\n(.*?)```|`([^`\n]+)`", text, re.DOTALL | re.MULTILINE):
        quoted = r"^ *(?:\w+=\w+ )*((?:python|keras_egan) (?:'[^']*'|[^'\n])+)"
        for line in re.findall(quoted, "".join(code), re.MULTILINE):
            yield shlex.split(line, comments=True)


@pytest.mark.parametrize("page", [page for page in PAGES if [*commands(page)]], ids=named)
def test_commands_have_options_that_exist(page):
    for program, *words in commands(page):
        options = {word for word in words if word.startswith("--")}
        scripts = [ROOT / word for word in words if word.endswith(".py") and "NAME" not in word]
        if program == "keras_egan" and words[1:] and "--help" not in options:
            cli._parser().parse_args(words)
        for script in scripts:
            helpers = [*script.parent.glob("common.py"), *script.parent.glob("training.py")]
            known = "".join(path.read_text() for path in [script, *helpers])
            assert options - {"--help"} <= {*re.findall(r'"(--[\w-]+)"', known)}, words


def test_the_shell_line_of_the_guide_has_the_settings_of_its_python():
    guide = (ROOT / "docs/guides/own_images.md").read_text()
    shell = re.search(r"^keras_egan (train .*)$", guide, re.MULTILINE)[1]
    python = re.search(r"= keras_egan\.(train\(.*\))$", guide, re.MULTILINE)[1]
    given = eval(python, {"train": inspect.signature(keras_egan.train).bind}).arguments
    parsed = vars(cli._parser().parse_args(shell.split()))
    assert {name: str(value) for name, value in parsed.items() if name in given} == {
        name: str(float(value)) if name == "minutes" else value for name, value in given.items()
    }


def test_every_picture_is_shown():
    shown = {
        Path(link).name
        for page in PAGES
        for link in re.findall(r"!\[.*?\]\((.+?)\)", page.read_text())
    }
    assert {path.name for path in ROOT.glob("docs/images/*.png")} == shown


def test_the_readme_begins_with_the_two_commands():
    """`.ci/run` runs the second."""
    first, second, *_ = re.findall(
        r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
    )
    assert first == 'python -m pip install ".[tensorflow,examples]"\npython examples/began.py\n'
    assert second.startswith('python -m pip install ".[test]"\nKERAS_BACKEND=tensorflow python -m ')


@pytest.mark.parametrize("name", ["README.md", "docs/index.md"])
def test_a_first_page_fits_one_screen(name):
    """It has fewer than 350 words, beside code and tables."""
    text = re.sub(
        r"```.*?```|^\|.*$", "", (ROOT / name).read_text(), flags=re.DOTALL | re.MULTILINE
    )
    assert len(re.sub(r"\]\([^)]*\)", "]", text).split()) < 350


def test_each_file_with_the_version_has_this_one():
    version = keras_egan.__version__
    assert f"Version {version}," in (ROOT / "docs/index.md").read_text()
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    releases = re.findall(
        r"^## (\d\S*) - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert releases == [version, "0.1.0"]


def test_pre_commit_checks_with_the_versions_of_ci():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    for tool, version in re.findall(r"\b(codespell|ruff)==(\S+)", (ROOT / ".ci/run").read_text()):
        assert re.search(rf"{tool}\S*\n    rev: v{re.escape(version)}\n", hooks)


def test_every_page_is_in_the_navigation():
    listed = re.findall(r"(\S+\.(?:md|py))$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    pages = [*SITE, *NOTEBOOKS]
    assert sorted(listed) == sorted(str(page.relative_to(ROOT / "docs")) for page in pages)


def test_no_table_of_results_stands_twice():
    tables = [
        table
        for page in SITE
        for table in re.findall(r"(?:^ *\|.*\n)+", page.read_text(), re.MULTILINE)
        if len(table) > 200
    ]
    assert len({*tables}) == len(tables)


def module(path):
    """Import a script that belongs to no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_the_plots_are_of_the_tables(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    plots = module(ROOT / "benchmarks/plots.py")
    drawn = []
    monkeypatch.setattr(plots, "save", lambda name: drawn.append(plots.plt.gcf()))
    plots.step_time()
    plots.small_data()
    bars = [bar.get_width() for bar in drawn[0].axes[0].patches]
    assert len(bars) == 21  # seven networks on three backends
    assert max(bars) == 1.85  # mlp on TensorFlow
    assert [list(line.get_ydata()) for line in drawn[1].axes[1].lines] == [
        [511.8, 275.9, 66.1],  # EBGAN's, without shifts and with them
        [122.0, 97.8, 98.6],
    ]
    plots.plt.close("all")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("All presets but for faces.", 1),
        ("What has been tried is gone.", 1),
        ("What does it cost?", 0),
        ("It is slow, for it compiles.", 1),
        ("A layer for each network, for example.", 0),
        ("2,000 images a second", 1),
        ("2,000 images per second", 0),
        ("any of the five", 1),
        ("the the words", 1),
        ("```\nall but for one\n```", 0),
    ],
)
def test_the_check_of_wordings(line, found, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text(line)
    assert module(ROOT / ".ci/prose.py").main([str(page)]) == found
