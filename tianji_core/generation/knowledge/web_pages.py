"""Leaves of a web page what is its text: no navigation, footers, forms, comments and hidden parts."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_AROUND = (
    "nav, footer, aside, script, style, noscript, template, button, select, svg, img, rt, rp, "
    "[role=navigation], [role=contentinfo], [role=banner], [role=search], [hidden], "
    "[style*='display:none' i], [style*='display: none' i]"
)
"""The parts of a page that are not its text."""
_MAYBE_AROUND = "form, dialog, [aria-hidden=true]"
"""Parts that some sites put their whole text into."""
_PARTS = f"div, ul, ol, section, header, p, span, {_MAYBE_AROUND}"
_NAMED_AROUND = frozenset(
    (
        *("nav", "navbar", "navigation", "menu", "breadcrumb", "breadcrumbs", "sidebar", "footer", "header"),
        *("site-header", "site-footer", "page-header", "page-footer", "top-nav", "copyright", "toolbar"),
        *("comments", "comment-list", "related", "recommend", "share", "advert", "ads", "cookie-banner"),
    )
)
"""Classes and ids of such parts."""
_MOST = 0.5
"""Share of the text of a page from which a part is its text whatever its name."""
_WHOLE = "main, [role=main], article"
_KEEPS_LINES = ("pre", "textarea", "code")
_BREAK = re.compile(r"[^\S\u00a0]*\n\s*")
_WIDE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u303f]")


def text_of_page(page: "BeautifulSoup") -> "BeautifulSoup":
    """Returns the page without what stands around its text. Links lose their addresses, and line breaks of
    the source, which are no breaks of the page, become spaces or, between Chinese characters, nothing."""
    from bs4.element import PreformattedString

    # A removed element has no parent; asking an element whether it is "decomposed" searches all below it.
    for element in page.select(_AROUND):
        if element.parent is not None:
            element.decompose()
    size = len(page.get_text())
    for element in page.select(_PARTS):
        if element.parent is not None and _is_around(element) and len(element.get_text()) < _MOST * size:
            element.decompose()
    for link in page.find_all("a"):
        link.unwrap()
    _join_neighbours(page)
    for text in page.find_all(string=_BREAK):
        kept = isinstance(text, PreformattedString)  # a comment or a declaration, which is no text
        if not kept and not any(parent.name in _KEEPS_LINES for parent in text.parents):
            text.replace_with(_BREAK.sub(lambda found: _joint(found), str(text)))
    return page


def _join_neighbours(page: "BeautifulSoup") -> None:
    """Makes one string of strings side by side. ``smooth`` does the same by recursion, which pages of deep
    nesting exhaust."""
    from bs4.element import NavigableString

    for text in page.find_all(string=True):
        parts = [text]
        while type(following := parts[-1].next_sibling) is NavigableString:
            parts.append(following)
        if type(text) is NavigableString and text.parent is not None and len(parts) > 1:
            for part in parts[1:]:
                part.extract()
            text.replace_with("".join(parts))


def _is_around(element: "Tag") -> bool:
    if element.name == "header":
        return element.find_parent(["article", "main"]) is None and element.find(["h1", "h2"]) is None
    named = [element.get("id") or "", *(element.get("class") or [])]
    maybe = element.name in ("form", "dialog") or element.get("aria-hidden") == "true"
    if not maybe and not any(str(name).lower() in _NAMED_AROUND for name in named):
        return False
    return element.select_one(_WHOLE) is None


def _joint(found: re.Match[str]) -> str:
    """Returns what stands for a line break of the source."""
    before, after = found.string[: found.start()][-1:], found.string[found.end() :][:1]
    return "" if _WIDE.match(before) and _WIDE.match(after) else " "
