"""The answers in ``answers2`` and ``answers3.jsonl`` are well formed and their faults are known."""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXTS = ROOT / "scripts" / "talk_model"
CORPUS = ROOT / "tests" / "data" / "cleaning_corpus"
FIELDS = {"scene", "name", "style", "segments", "faults"}
LABELS = {"talk", "blessing"}
FAULTS = [
    "mourning",
    "wrong_person",
    "placeholder",
    "cut_off",
    "doubled",
    "festival",
    "mixed_style",
    "contact",
    "prompt_words",
    "language",
    "versions",
    "refusal",
]


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def whole(answer: dict) -> str:
    return "".join(text for _label, text in answer["segments"])


PARTS = {part: rows(TEXTS / f"{part}.jsonl") for part in ("answers2", "answers3")}
ANSWERS = [answer for part in PARTS.values() for answer in part]


def test_every_answer_joins_from_labelled_segments():
    for answer in ANSWERS:
        text = whole(answer)
        assert set(answer) == FIELDS, text
        assert all(answer[field].strip() for field in ("scene", "name", "style")), text
        assert text and text == text.strip(), text
        assert all(label in LABELS and said.strip() for label, said in answer["segments"]), text
        assert all(one[0] != next_one[0] for one, next_one in pairwise(answer["segments"])), text


def test_every_fault_is_known_and_named_once():
    for answer in ANSWERS:
        assert [fault for fault in FAULTS if fault in answer["faults"]] == answer["faults"], whole(answer)


def test_an_answer_without_a_blessing_says_what_is_wrong():
    lost = [answer for answer in ANSWERS if all(label == "talk" for label, _text in answer["segments"])]
    assert [whole(answer) for answer in lost if not answer["faults"]] == []


@pytest.mark.parametrize(("part", "least", "of_each"), [("answers2", 600, 20), ("answers3", 1400, 30)])
def test_clean_and_faulty_answers_are_both_common(part: str, least: int, of_each: int):
    answers = PARTS[part]
    pure = [all(label == "blessing" for label, _text in one["segments"]) for one in answers]
    clean = [alone and not one["faults"] for alone, one in zip(pure, answers, strict=True)]
    assert len(clean) >= least
    assert 0.4 <= sum(clean) / len(clean) <= 0.5
    assert (
        min(Counter(fault for one in answers for fault in one["faults"])[fault] for fault in FAULTS)
        >= of_each
    )


def test_no_answer_stands_twice():
    both = [*ANSWERS, *rows(TEXTS / "answers.jsonl")]
    assert [text for text, count in Counter(map(whole, both)).items() if count > 1] == []


def test_no_segment_is_a_text_of_the_measured_corpus():
    measured = "\n".join(row["text"] for path in sorted(CORPUS.glob("*.jsonl")) for row in rows(path))
    texts = (text.strip() for answer in ANSWERS for _label, text in answer["segments"])
    assert [text for text in texts if len(text) >= 16 and text in measured] == []
