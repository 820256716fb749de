"""Variety is counted over characters and pairs within each text."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tianji_core.dataset import statistics
from tianji_core.dataset.statistics import Grams, Tally


@given(st.lists(st.text(alphabet="春节快乐🎆 \n", max_size=12), max_size=12), st.sampled_from([1, 5, 1000]))
def test_variety_is_what_sets_of_characters_and_pairs_say(texts: list[str], at_once: int) -> None:
    ones = {c for text in texts for c in text}
    twos = {pair for text in texts for pair in itertools.pairwise(text)}
    number = [sum(map(len, texts)), sum(max(0, len(text) - 1) for text in texts)]
    found = Grams()
    before, statistics._AT_ONCE = statistics._AT_ONCE, at_once
    try:
        for text in texts:
            found.add(text)
    finally:
        statistics._AT_ONCE = before
    assert found.number == number
    assert [len(each) for each in found.different()] == [len(ones), len(twos)]


def test_all_styles_together_count_what_they_share_once() -> None:
    tally = Tally()
    tally.add("大舅", "生日", "正常", "run", "快乐", 1)
    tally.add("大舅", "生日", "严肃", "run", "快乐吗", 1)
    plain = tally.plain()
    assert plain["distinct"] == {"严肃": [1.0, 1.0], "正常": [1.0, 1.0]}
    assert plain["distinct_overall"] == [round(3 / 5, 5), round(2 / 3, 5)]
