"""A hook of mkdocs: keeps numbers such as "4 %" and "4e-3" on one line of a page."""

import re

CODE_OR_TAG = r"<(code|pre|math|script|style)\b.*?</\2>|<[^>]+>"
NUMBER = r"\b\d[\d.,]*(?:e-\d+| %)"


def on_page_content(html, **kwargs):
    """Return a page with `<span class="number">` around such numbers, except in code."""
    return re.sub(
        rf"({CODE_OR_TAG})|{NUMBER}",
        lambda found: found[0] if found[1] else f'<span class="number">{found[0]}</span>',
        html,
        flags=re.DOTALL,
    )
