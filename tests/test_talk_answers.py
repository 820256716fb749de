"""The hand-labelled answers in ``scripts/talk_model/answers.jsonl`` are well formed and fit for training."""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
ANSWERS = ROOT / "scripts" / "talk_model" / "answers.jsonl"
CORPUS = ROOT / "tests" / "data" / "cleaning_corpus"
FIELDS = {"scene", "name", "style", "segments"}
LABELS = {"talk", "blessing"}


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def whole(answer: dict) -> str:
    return "".join(text for _label, text in answer["segments"])


def test_every_answer_joins_from_labelled_segments():
    for answer in rows(ANSWERS):
        text = whole(answer)
        assert set(answer) == FIELDS, text
        assert all(answer[field].strip() for field in ("scene", "name", "style")), text
        assert text and text == text.strip(), text
        assert all(label in LABELS and said.strip() for label, said in answer["segments"]), text
        assert all(one[0] != next_one[0] for one, next_one in pairwise(answer["segments"])), text


def test_no_answer_stands_twice():
    assert [text for text, count in Counter(map(whole, rows(ANSWERS))).items() if count > 1] == []


def test_pure_blessings_and_answers_with_talk_are_both_common():
    pure = [all(label == "blessing" for label, _text in answer["segments"]) for answer in rows(ANSWERS)]
    assert len(pure) >= 350
    assert 0.4 <= sum(pure) / len(pure) <= 0.6


def test_no_segment_is_a_text_of_the_measured_corpus():
    measured = "\n".join(row["text"] for path in sorted(CORPUS.glob("*.jsonl")) for row in rows(path))
    texts = (text.strip() for answer in rows(ANSWERS) for _label, text in answer["segments"])
    assert [text for text in texts if len(text) >= 16 and text in measured] == []
