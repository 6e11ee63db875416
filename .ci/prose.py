"""Refuses wordings that are hard to read: in pages, docstrings, comments and messages.

    python .ci/prose.py [FILE...]

By default it reads all pages and Python files that git knows. Each rule has the plain wording. A
code block of a page is not prose; a file that quotes wordings is in `QUOTES`.
"""

import re
import subprocess
import sys
from pathlib import Path

COUNTED = "batches|bytes|GB|images|MB|numbers|passes|pictures|rows?|samples|steps"
PER = "batch|class|device|digit|epoch|GAN|hour|image|minute|page|process|sample|second|step"
RULES = {
    r"\bbut for\b": 'write "except"',
    r"(?<![`\w])What (?!is\b|are\b|does\b|do\b|if\b|was tried\b)\w+ [^?|]*[.:]": (
        'begin with the subject, not with "What"'
    ),
    r"[,;] for (?:he|it|its|neither|nobody|none|nothing|one|she|that|their|there|they|this|we) ": (
        'write "because"'
    ),
    rf"\b(?:{COUNTED}) an? (?:{PER})\b": 'write "per"',
    r"\bthe five\b(?! (?:backends|GANs|nearest|papers))": "name the GANs",
    r"\b(?:rarest|commonest) kind\b": 'write "smallest class share", "largest class share"',
    r"\bby heart\b": 'write "memorise"',
    r"\bthe one that\b": "name the thing",
    r"\bwhat (?:came out|comes of|is left over)\b": "name the thing",
    r"\b(?:is|are) no (?:digits?|faces?|images?|photographs?|threes?) that\b": 'write "are not"',
    r"\bof use\b": 'write "useful"',
    r"\bput together again\b": 'write "joined"',
    r"\bsome three or four\b": 'write "three or four"',
    r"\b([a-z]{2,}) \1\b(?![=-])": "a word stands twice",
}
QUOTES = {".ci/prose.py", "tests/test_docs.py"}


def prose(path):
    """Yield the numbers and lines of a file, except a page's blocks of code."""
    fenced = False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if path.suffix == ".md" and line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def main(paths):
    """Print the lines that break a rule, and return their number."""
    if not paths:
        command = ["git", "ls-files", "*.md", "*.py", "*.toml", "*.yml", ".ci/run"]
        known = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        paths = known.splitlines()
    found = [
        f"{path}:{number}: {match[0]!r}: {advice}"
        for path in paths
        if path not in QUOTES
        for number, line in prose(Path(path))
        for rule, advice in RULES.items()
        if (match := re.search(rule, line))
    ]
    print(*found, sep="\n")
    return len(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) > 0)
