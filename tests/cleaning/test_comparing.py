"""Samples compared with each other: near duplicates, what is kept of them, and openings that too many
share."""

import random

import numpy as np
import pytest
from rapidfuzz.distance import Indel

from tianji_core import cleaning
from tianji_core.cleaning.near import SIMILAR, alike, band_keys, leaders, near_pairs
from tianji_core.cleaning.rule import bounds
from tianji_core.store import comparing, findings, samples, steps
from tianji_core.store.database import writing
from tianji_core.store.samples import ACCEPTED, IMPORT, PENDING, REJECTED, NewSample, SampleFilter
from tianji_core.workspace import Workspace

ALL = SampleFilter("wishes")
FIRST = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"
ALMOST = "妹妹，生日快乐！愿你新的一岁平安喜乐，天天都有好心情。"
LONGER = "妹妹，生日快乐！愿你新的一岁平安又喜乐，每一天都有好心情。"
OTHER = "又长一岁啦，蛋糕要吃最大的那块，愿望也要许最大的那个，妹妹！"


def store(workspace: Workspace, *outputs: str, name: str = "妹妹", style: str = "正常") -> list[int]:
    start = samples.total(workspace.engine)
    new = [
        NewSample("wishes", "系统", f"祝{name}生日{start + n}", text, name, "生日", style)
        for n, text in enumerate(outputs)
    ]
    with writing(workspace.engine) as connection:
        return samples.insert_new(connection, new, IMPORT)


def near(workspace: Workspace) -> dict[int, str]:
    """number → detail of what is marked as a near duplicate."""
    numbers = [s.id for s in samples.page(workspace.engine, ALL)]
    return {
        number: finding.detail
        for number, found in findings.of(workspace.engine, numbers).items()
        for finding in found
        if finding.rule == "near_duplicate"
    }


def only(*ids: int) -> SampleFilter:
    return SampleFilter("wishes", ids=ids)


def test_every_pair_is_really_alike_and_hardly_any_is_missed() -> None:
    source, words = random.Random(1), "平安喜乐福寿康宁春夏秋冬花好月圆风和日丽山高水长"
    texts = []
    for _n in range(150):
        text = "".join(source.choices(words, k=30))
        spoiled = list(text)
        for place in source.sample(range(30), 2):
            spoiled[place] = source.choice("甲乙丙丁")
        texts += [text, "".join(spoiled)]
    truth = {
        (a, b)
        for a in range(len(texts))
        for b in range(a + 1, len(texts))
        if Indel.normalized_similarity(texts[a], texts[b]) >= SIMILAR
    }
    found = {(pair.first, pair.second) for pair in near_pairs(texts, band_keys(texts))}
    assert len(truth) >= 150 and found <= truth
    assert len(found) >= 0.97 * len(truth)


def test_only_pairs_with_what_is_due_are_looked_for() -> None:
    texts = [FIRST, ALMOST, OTHER, f"{OTHER}！"]
    keys = band_keys(texts)
    assert {(p.first, p.second) for p in near_pairs(texts, keys)} == {(0, 1), (2, 3)}
    assert {(p.first, p.second) for p in near_pairs(texts, keys, due=[3])} == {(2, 3)}


def test_a_large_heap_of_texts_alike_does_not_need_every_pair() -> None:
    texts = [f"{FIRST}第{n}遍" for n in range(2000)]
    pairs = near_pairs(texts, band_keys(texts))
    assert len(pairs) < 2000 * 100
    assert len(leaders(range(len(texts)), pairs)) > 1900


def test_whatever_is_left_out_has_a_kept_twin() -> None:
    chain = near_pairs([FIRST, ALMOST, LONGER], band_keys([FIRST, ALMOST, LONGER]))
    repeated = leaders([0, 1, 2], chain)
    assert set(repeated) <= {1, 2} and {leader for leader, _s in repeated.values()} == {0}


def test_the_later_of_two_almost_equal_samples_is_marked_with_the_one_it_repeats(
    workspace: Workspace,
) -> None:
    first, almost, _other = store(workspace, FIRST, ALMOST, OTHER)
    (cousin,) = store(workspace, FIRST.replace("妹妹", "堂妹"), name="堂妹")
    cleaning.check_new(workspace, "wishes")
    marked = near(workspace)
    assert set(marked) == {almost, cousin}
    assert f"样本 {first}" in marked[almost] and "换了写给谁" not in marked[almost]
    assert "换了写给谁" in marked[cousin]
    assert samples.get(workspace.engine, almost).finding_count == 1


def test_a_new_sample_is_compared_with_those_that_were_there(workspace: Workspace) -> None:
    store(workspace, FIRST, OTHER)
    cleaning.check_new(workspace, "wishes")
    assert near(workspace) == {}
    (late,) = store(workspace, ALMOST)
    cleaning.check_new(workspace, "wishes")
    assert set(near(workspace)) == {late}


def test_editing_one_of_two_ends_the_mark_of_the_other_and_checking_again_changes_nothing(
    workspace: Workspace,
) -> None:
    first, almost = store(workspace, FIRST, ALMOST)
    cleaning.check_new(workspace, "wishes")
    cleaning.check_again(workspace, "wishes")
    assert set(near(workspace)) == {almost}
    steps.edit(workspace.engine, "wishes", first, 1, OTHER, "我")
    cleaning.check_new(workspace, "wishes")
    assert near(workspace) == {} and samples.get(workspace.engine, almost).finding_count == 0


def test_what_repeats_a_rejected_sample_is_no_repetition(workspace: Workspace) -> None:
    first, almost, longer = store(workspace, FIRST, ALMOST, LONGER)
    cleaning.check_new(workspace, "wishes")
    steps.set_state(workspace.engine, only(first), REJECTED, "我")
    cleaning.check_new(workspace, "wishes")
    marked = near(workspace)
    assert almost not in marked and f"样本 {almost}" in marked[longer]


def test_equal_texts_are_exact_and_not_near_duplicates(workspace: Workspace) -> None:
    _first, second = store(workspace, FIRST, FIRST)
    cleaning.check_new(workspace, "wishes")
    assert near(workspace) == {}
    assert findings.of(workspace.engine, [second])[second][0].rule == "exact_duplicate"


def test_the_best_of_a_cluster_is_kept_and_the_rest_rejected_as_one_step(workspace: Workspace) -> None:
    first, almost, longer, other = store(workspace, FIRST, ALMOST, LONGER, OTHER)
    cleaning.check_new(workspace, "wishes")
    steps.rate(workspace.engine, only(almost), 5, "我")
    step = cleaning.keep_best(workspace, ALL, "我")
    assert step is not None and step.count == 2
    states = {s.id: s.state for s in samples.page(workspace.engine, ALL)}
    assert states == {first: REJECTED, almost: PENDING, longer: REJECTED, other: PENDING}
    assert samples.get(workspace.engine, almost).finding_count == 0
    assert cleaning.keep_best(workspace, replace_states(PENDING), "我") is None
    steps.undo(workspace.engine, "wishes")
    assert {s.state for s in samples.page(workspace.engine, ALL)} == {PENDING}


def replace_states(*states: str) -> SampleFilter:
    return SampleFilter("wishes", states=states)


def test_an_accepted_sample_wins_over_a_longer_one(workspace: Workspace) -> None:
    first, _longer = store(workspace, FIRST, LONGER)
    cleaning.check_new(workspace, "wishes")
    steps.set_state(workspace.engine, only(first), ACCEPTED, "我")
    cleaning.keep_best(workspace, ALL, "我")
    assert samples.get(workspace.engine, first).state == ACCEPTED


def test_members_that_differ_enough_from_the_best_are_kept_too(workspace: Workspace) -> None:
    middle = FIRST
    left, right = FIRST.replace("平安喜乐", "顺顺当当"), FIRST.replace("好心情", "糖吃呀")
    assert alike(middle, left) and alike(middle, right) and not alike(left, right)
    ids = store(workspace, middle, left, right)
    cleaning.check_new(workspace, "wishes")
    steps.rate(workspace.engine, only(ids[1]), 5, "我")
    cleaning.keep_best(workspace, ALL, "我")
    kept = {s.id for s in samples.page(workspace.engine, replace_states(PENDING))}
    assert kept == {ids[1], ids[2]}


def test_clusters_are_counted_and_listed_largest_first(workspace: Workspace) -> None:
    store(workspace, FIRST, ALMOST, LONGER, OTHER, f"{OTHER}嘿")
    cleaning.check_new(workspace, "wishes")
    assert comparing.cluster_count(workspace.engine, ALL) == (2, 3)
    sizes = [len(c.members) for c in comparing.clusters(workspace.engine, ALL)]
    assert sizes == [2, 1]
    assert comparing.cluster_count(workspace.engine, SampleFilter("wishes", names=("爷爷",))) == (0, 0)


def test_only_what_exceeds_the_share_of_an_opening_is_marked(workspace: Workspace) -> None:
    allowed = bounds().opening
    source = random.Random(2)
    signs = [chr(code) for code in range(0x4E00, 0x4E00 + 3000)]
    number = allowed.at_least + 20
    same = [f"在这个特别的日子里{''.join(source.sample(signs, 25))}" for _n in range(number)]
    different = ["".join(source.sample(signs, 30)) for _n in range(10)]
    ids = store(workspace, *same, *different)
    cleaning.check_new(workspace, "wishes")
    wanted = SampleFilter("wishes", rules=("overused_opening",))
    marked = [s.id for s in samples.page(workspace.engine, wanted, limit=200)]
    assert marked == ids[allowed.at_least : number]


@pytest.mark.parametrize("count", [0, 1])
def test_hardly_any_texts_have_no_pairs(count: int) -> None:
    texts = [FIRST] * count
    assert near_pairs(texts, np.zeros((count, 32), dtype=np.uint64)) == []
