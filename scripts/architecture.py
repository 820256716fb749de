"""Draws docs/images/rooms.svg: the rooms in the order of the import contract, each with what its docstring
says it is.

Run with ``scripts/architecture``; a test compares the picture with the contract.
"""

import ast
import re
import textwrap
import tomllib
from pathlib import Path
from xml.sax.saxutils import escape

PROJECT = Path(__file__).resolve().parents[1]
PICTURE = PROJECT / "docs" / "images" / "rooms.svg"
WIDTH, LEFT, BOX, LINE, GAP = 1120, 70, 330, 17, 10
"""Pixels: of the picture, left of the boxes, of a row's boxes, between lines of text, between rows."""
CHARACTERS = 96
"""Most characters of one line beside a box."""


def layers() -> list[list[str]]:
    """Returns the modules of the contract from the top down; those side by side in one list."""
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {contract["id"]: contract for contract in settings["tool"]["importlinter"]["contracts"]}
    return [["app"], *(layer.split(" | ") for layer in contracts["rooms"]["layers"])]


def purpose(module: str) -> str:
    """Returns the first sentence of a module's docstring, without the Chinese title some begin with."""
    path = PROJECT / module.replace(".", "/")
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    text = re.sub(r"^[\u4e00-\u9fff]+: ", "", " ".join(text.partition("\n\n")[0].split()))
    sentence = re.sub(r":\w+:`([^`]+)`|``([^`]+)``", r"\1\2", re.split(r"(?<=\.) ", text, maxsplit=1)[0])
    return sentence[:1].upper() + sentence[1:]


def row(modules: list[str], top: int) -> tuple[list[str], int]:
    """Returns the drawing of one layer at ``top`` and its height in pixels."""
    lines = [
        line
        for module in modules
        for line in textwrap.wrap(purpose(module), CHARACTERS, subsequent_indent="  ")
    ]
    height = max(30, LINE * len(lines) + 8)
    width = (BOX - GAP * (len(modules) - 1)) // len(modules)
    parts = []
    for place, module in enumerate(modules):
        x = LEFT + place * (width + GAP)
        name = module.rpartition(".")[2] + (".py" if module == "app" else "")
        parts.append(
            f'<rect x="{x}" y="{top}" width="{width}" height="{height}" rx="5" class="room"/>'
            f'<text x="{x + width // 2}" y="{top + height // 2 + 5}" class="name">{escape(name)}</text>'
        )
    first = top + (height - LINE * len(lines)) // 2 + 13
    for number, line in enumerate(lines):
        parts.append(f'<text x="{LEFT + BOX + 16}" y="{first + number * LINE}">{escape(line)}</text>')
    return parts, height


def picture() -> str:
    """Returns the whole drawing as SVG."""
    top, parts = 20, []
    for modules in layers():
        drawn, height = row(modules, top)
        parts += drawn
        top += height + GAP
    arrow = f'<path d="M40 24 V{top - 22}" class="arrow"/><path d="M34 {top - 30} l6 12 l6 -12 z"/>'
    label = f'<text x="26" y="{top // 2}" transform="rotate(-90 26 {top // 2})" class="name">imports</text>'
    style = (
        "text{font:13px sans-serif;fill:#222}.name{font-weight:bold;text-anchor:middle}"
        ".room{fill:#fbeae7;stroke:#c8402f}.arrow{stroke:#222;stroke-width:1.5}"
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 10}" width="{WIDTH}">'
    background = f'<rect width="{WIDTH}" height="{top + 10}" fill="#fff"/>'
    return "\n".join([head, f"<style>{style}</style>", background, arrow, label, *parts, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
