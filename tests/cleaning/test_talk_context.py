"""A piece of a text is judged by its words and by what stands round it."""

from tianji_core.cleaning.sentences import pieces
from tianji_core.cleaning.talk_context import NAMES, surroundings
from tianji_core.cleaning.talk_model import plain, talk_scores


def score(text: str, part: str) -> float:
    cut = pieces(text)
    (found,) = (
        s for piece, s in zip(cut, talk_scores(cut, "妈妈"), strict=True) if piece.text.strip() == part
    )
    return found


def test_the_same_question_is_talk_beside_talk_and_blessing_inside_a_blessing() -> None:
    to_her = "妈妈，初二我回家，初三陪您去外婆家，您看这样行吗？愿您新年里天天有笑脸，腰腿都不疼。"
    to_the_asker = (
        "好的，给您写了一条：\n妈妈，新年好，愿您天天有笑脸。\n\n您看这样行吗？\n需要更长的版本也可以告诉我。"
    )
    assert score(to_her.replace("，您看", "。您看"), "您看这样行吗？") < 0
    assert score(to_the_asker, "您看这样行吗？") > 0


def test_every_number_of_the_surroundings_has_its_name() -> None:
    cut = pieces("妈妈：\n\n新年好！\n（附：红包）")
    rows = surroundings(cut, [plain(piece.text, "妈妈") for piece in cut], [0.0] * len(cut))
    assert {len(row) for row in rows} == {len(NAMES)}
    named = [dict(zip(NAMES, row, strict=True)) for row in rows]
    assert [row["called"] for row in named] == [1.0, 0.0, 0.0]
    assert [row["bracketed"] for row in named] == [0.0, 0.0, 1.0]
    assert [row["first_line"] for row in named] == [1.0, 0.0, 0.0]
    assert [row["after_blank"] for row in named] == [0.0, 1.0, 0.0]


def test_a_text_of_many_lines_has_one_score_for_each() -> None:
    cut = pieces("愿您平安。\n" * 3000)
    assert len(talk_scores(cut)) == len(cut) == 3000
