"""Filling thin cells: which ones, and the plan that does it."""

from collections import Counter

import pytest

from tianji_core.errors import PlanError
from tianji_core.generation.top_up import coverage, top_up_plan
from tianji_core.recipe import built_in_recipe, by_style, count_tasks, kept_cells, tasks
from tianji_core.store.samples import CellCount

TOASTS = built_in_recipe("toasts")
KEPT = kept_cells(TOASTS, TOASTS.threshold)


def filled(number: int) -> list[CellCount]:
    return [CellCount(*cell, pending=number, accepted=1, rejected=1) for cell in KEPT]


def test_rejected_samples_do_not_fill_a_cell() -> None:
    covered = coverage(TOASTS, filled(2))
    assert covered.usable(KEPT[0]) == 3
    assert covered.accepted_share(KEPT[0]) == 0.5
    assert covered.thin(3) == [] and len(covered.thin(4)) == len(KEPT)


def test_the_plan_writes_just_what_each_thin_cell_lacks() -> None:
    covered = coverage(TOASTS, [*filled(4)[3:], filled(1)[2]])
    plan = top_up_plan(TOASTS, covered, ("得体", "短句"), 5, seed=9)
    planned = tasks(TOASTS, plan)
    assert Counter(task.cell for task in planned) == {KEPT[0]: 5, KEPT[1]: 5, KEPT[2]: 3}
    assert count_tasks(TOASTS, plan) == len(planned) == 13
    assert len({task[1:] for task in planned}) == 13


def test_two_per_cell_of_an_empty_map_are_two_texts_per_cell_in_every_style_alike() -> None:
    wishes = built_in_recipe("wishes")
    plan = top_up_plan(wishes, coverage(wishes, []), (), 2, seed=0)
    planned = tasks(wishes, plan)
    kept = kept_cells(wishes, wishes.threshold)
    assert len(planned) == 2 * len(kept) < 1000
    counts = dict(by_style(planned))
    assert len(counts) == 9 and max(counts.values()) < 1.3 * min(counts.values())


def test_cells_that_no_chosen_style_is_written_for_are_not_thin() -> None:
    assert ("岳父", "寿宴") in KEPT
    assert ("岳父", "寿宴") not in coverage(TOASTS, [], ("幽默",)).thin(1)


def test_nothing_to_fill_is_one_sentence() -> None:
    with pytest.raises(PlanError, match="不用补"):
        top_up_plan(TOASTS, coverage(TOASTS, filled(4)), (), 5, seed=0)
