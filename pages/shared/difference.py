"""The difference of two texts on a page."""

from pages.shared.text import plain
from tianji_core import cleaning


def difference(before: str, after: str) -> str:
    """``after`` as Markdown, with additions to ``before`` highlighted and removals struck out."""
    forms = {"same": "{}", "added": ":green-background[{}]", "removed": ":red[~~{}~~]"}
    pieces = cleaning.compare(before.strip(), after.strip())
    return "".join(forms[piece.kind].format(plain(piece.text)) for piece in pieces if piece.text)
