"""The picture of the rooms is the import contract, and the walk through them names what is there."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DRAWING = runpy.run_path(str(ROOT / "scripts" / "architecture.py"))
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PATHS = sorted(set(re.findall(r"`((?:app\.py|pages/|tianji_core/|configs/|scripts/)[\w./-]*)`", TEXT)))


def test_the_picture_is_drawn_from_the_contract_as_it_is() -> None:
    drawn = DRAWING["PICTURE"].read_text(encoding="utf-8")
    assert drawn == DRAWING["picture"](), "run scripts/architecture"


def test_every_room_says_what_it_is() -> None:
    assert [room for layer in DRAWING["layers"]() for room in layer if not DRAWING["purpose"](room)] == []


@pytest.mark.parametrize("path", PATHS)
def test_the_text_names_what_is_there(path: str) -> None:
    assert (ROOT / path).exists()
