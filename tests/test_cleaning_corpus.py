"""The labels of the hand-written cleaning corpus are consistent."""

import json
from collections import Counter
from pathlib import Path

import pytest

CORPUS = Path(__file__).parent / "data" / "cleaning_corpus"
HALVES = sorted(path.stem for path in CORPUS.glob("*.jsonl"))
FIELDS = {"id", "name", "scene", "style", "text", "clean", "kinds", "repaired"}


def rows(half: str) -> list[dict]:
    lines = (CORPUS / f"{half}.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def test_the_half_for_developers_is_there():
    assert "dev" in HALVES


@pytest.mark.parametrize("half", HALVES)
def test_every_label_is_consistent(half):
    for row in rows(half):
        where = row["id"]
        assert set(row) == (FIELDS | {"trait"} if row["clean"] else FIELDS), where
        assert all(row[field].strip() for field in ("name", "scene", "style", "text")), where
        assert row["clean"] == (not row["kinds"]), where
        if row["clean"]:
            assert row["repaired"] == row["text"] and row["trait"], where
        else:
            assert row["repaired"] != row["text"], where
            assert row["repaired"] is None or row["repaired"] == row["repaired"].strip() != "", where


@pytest.mark.parametrize("half", HALVES)
def test_both_labels_and_many_kinds_are_covered(half):
    entries = rows(half)
    clean = [row for row in entries if row["clean"]]
    kinds = Counter(kind for row in entries for kind in row["kinds"])
    assert len(clean) >= 75 and len(entries) - len(clean) >= 75
    assert len({row["trait"] for row in clean}) >= 24
    assert len(kinds) >= 40


def test_ids_and_texts_are_unique_over_the_halves():
    entries = [row for half in HALVES for row in rows(half)]
    assert max(Counter(row["id"] for row in entries).values()) == 1
    assert max(Counter(row["text"] for row in entries).values()) == 1
