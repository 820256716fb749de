"""A version is balanced, split and shuffled as asked, the same way for the same seed, and no cell is on both
sides."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tianji_core.dataset.selection import Balance, select
from tianji_core.errors import DatasetError
from tianji_core.store.samples import TrainingExample


def line(number: int, name: str = "妹妹", scene: str = "生日", style: str = "正常") -> TrainingExample:
    return TrainingExample(
        name, scene, style, "run", "系统", [], f"问{number}", f"答{number}", f"digest{number}", number
    )


MANY = [
    line(n, name=f"称谓{n % 7}", scene=f"场景{n % 5}", style=f"风格{n % 3}") for n in range(300)
]  # 35 cells


def test_without_wishes_everything_is_taken_in_its_order() -> None:
    chosen = select(MANY, Balance())
    assert chosen.train == tuple(MANY) and chosen.validation == () and chosen.left_out == 0


def test_equal_samples_are_taken_once_at_the_place_of_the_first() -> None:
    assert select([line(1), line(2), line(1)], Balance()).train == (line(1), line(2))


def test_limits_hold_for_cells_and_styles() -> None:
    chosen = select(MANY, Balance(per_cell=4, per_style=30))
    assert max(Counter((each.name, each.scene) for each in chosen.train).values()) <= 4
    assert set(Counter(each.style for each in chosen.train).values()) == {30}
    assert chosen.left_out == 300 - 90


def test_the_same_seed_draws_the_same_and_another_one_does_not() -> None:
    wish = {"per_cell": 3, "shuffle": True, "validation": 0.2}
    assert select(MANY, Balance(**wish, seed=1)) == select(MANY, Balance(**wish, seed=1))
    assert select(MANY, Balance(**wish, seed=1)) != select(MANY, Balance(**wish, seed=2))


def test_shuffling_loses_nothing() -> None:
    chosen = select(MANY, Balance(shuffle=True, seed=3))
    assert chosen.train != tuple(MANY) and sorted(chosen.train) == sorted(MANY)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=8, max_size=80),
    st.floats(0.01, 0.5),
    st.integers(0, 5),
)
def test_no_cell_is_trained_on_and_held_back(cells: list[tuple[int, int]], share: float, seed: int) -> None:
    lines = [line(n, name=f"称谓{a}", scene=f"场景{b}") for n, (a, b) in enumerate(cells)]
    if len(set(cells)) < 2:
        return
    chosen = select(lines, Balance(validation=share, seed=seed))
    held = {(each.name, each.scene) for each in chosen.validation}
    trained = {(each.name, each.scene) for each in chosen.train}
    assert held and trained and not held & trained
    assert sorted(chosen.train + chosen.validation) == sorted(lines)


def test_samples_of_no_known_cell_are_trained_on() -> None:
    lines = [*MANY, *(line(1000 + n, name="") for n in range(40))]
    chosen = select(lines, Balance(validation=0.5))
    assert all(each.name for each in chosen.validation)


def test_one_cell_cannot_be_split() -> None:
    with pytest.raises(DatasetError, match="一个格子"):
        select([line(1), line(2)], Balance(validation=0.1))


@pytest.mark.parametrize(
    "wrong", [{"validation": 0.6}, {"validation": -0.1}, {"per_cell": 0}, {"per_style": -1}]
)
def test_wishes_that_make_no_sense_are_refused(wrong: dict) -> None:
    with pytest.raises(DatasetError):
        Balance(**wrong)
