"""Lines are at most 110 characters long.

Ruff counts a Chinese character as two columns: its E501 holds 220 columns for lines with Chinese text, and
this test 110 characters for all others.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 110
CHINESE = re.compile(r"[\u2e80-\u9fff\uff00-\uffef]")
LATER: tuple[str, ...] = ()
SOURCES = [
    ROOT / "app.py",
    *(
        path
        for folder in ("benchmarks", "pages", "scripts", "tests", "tianji_core")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not str(path.relative_to(ROOT)).startswith(LATER)
    ),
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_lines_without_chinese_have_at_most_110_characters(path: Path) -> None:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    long = [number for number, line in lines if len(line) > LONGEST and not CHINESE.search(line)]
    assert long == []
