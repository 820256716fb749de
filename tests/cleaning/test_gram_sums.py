"""Words that are read all at once say what they say one by one."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.cleaning import talk_model
from tianji_core.cleaning.gram_sums import GramSums
from tianji_core.cleaning.sentences import Piece
from tianji_core.cleaning.talk_model import grams, read_words, word_scores

MODELS = (
    {"愿": 3, "愿你": -5, "^愿": 7, "。$": 2, "^$": 90, "𠀀": 11, "好𠀀": 13, "@length3": 50},
    {"^": 17, "$": -19, "$^": 23, "^^": 29, "你好": 31, "ok": 37},
)
SIGNS = st.sampled_from("愿你好。^$𠀀\ud800龘N🎂")


@given(st.lists(st.text(SIGNS, max_size=12), max_size=8))
def test_the_sums_are_those_of_the_n_grams(texts: list[str]) -> None:
    expected = [[sum(model.get(gram, 0) for gram in grams(text)) for model in MODELS] for text in texts]
    assert GramSums(MODELS)(texts) == expected


@pytest.fixture
def _nothing_known() -> Iterator[None]:
    talk_model.forget()
    yield
    talk_model.forget()


TEXTS = (
    "妹妹，生日快乐！",
    "好的，以下是祝福语：",
    "  愿你\n新的一岁平安喜乐。",
    "Sure! Here is 1 wish:",
    "😀^$",
    "祝（妹妹）①：",
    "",
    " \n",
)


@pytest.mark.usefixtures("_nothing_known")
@pytest.mark.parametrize("name", ["妹妹", ""])
def test_pieces_read_together_have_the_scores_of_each_alone(name: str) -> None:
    keys = [(text, name if name in text else "") for text in TEXTS]
    alone = [word_scores(*key) for key in keys]
    talk_model.forget()
    read_words([([Piece(0, len(text), text, False)], name) for text in TEXTS])
    known = dict(talk_model._known)
    assert len(known) >= 5  # the others have Latin words
    assert [word_scores(*key) for key in keys] == alone
    assert all(talk_model._known[key] is scores for key, scores in known.items())
