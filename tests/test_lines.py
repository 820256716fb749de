"""Lines are at most 110 characters long, functions at most 60 lines.

Ruff counts a Chinese character as two columns: its E501 holds 220 columns for lines with Chinese text, and
this test 110 characters for all others.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 110
CHINESE = re.compile(r"[\u2e80-\u9fff\uff00-\uffef]")
LONGEST_FUNCTION = 60
SOURCES = [
    ROOT / "app.py",
    *(
        path
        for folder in ("benchmarks", "pages", "scripts", "tests", "tianji_core")
        for path in sorted((ROOT / folder).rglob("*.py"))
    ),
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_lines_without_chinese_have_at_most_110_characters(path: Path) -> None:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    long = [number for number, line in lines if len(line) > LONGEST and not CHINESE.search(line)]
    assert long == []


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if "tests" not in path.parts and "migrations" not in path.parts],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_functions_have_at_most_60_lines(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = [node.name for node in functions if (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION]
    assert long == []


def test_every_block_of_a_style_sheet_is_closed_once() -> None:
    """A brace too many takes the next rule with it, in silence."""
    sheets = [*(ROOT / "pages").rglob("*.css"), *(ROOT / "docs").rglob("*.css")]
    assert len(sheets) > 1
    for sheet in sheets:
        open_blocks = 0
        for mark in re.findall(
            r"[{}]", re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
        ):
            open_blocks += 1 if mark == "{" else -1
            assert open_blocks >= 0, sheet
        assert open_blocks == 0, sheet
