"""Filling thin cells: which ones, and the plan that does it."""

import pytest

from tianji_core.errors import PlanError
from tianji_core.generation import count_tasks
from tianji_core.generation.top_up import coverage, top_up_plan
from tianji_core.recipe import built_in_recipe, kept_cells, tasks
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


def test_the_plan_asks_for_thin_cells_only_and_fills_the_thinnest() -> None:
    covered = coverage(TOASTS, filled(4)[3:])
    plan = top_up_plan(TOASTS, covered, ("得体", "短句"), 5, seed=9)
    assert set(plan.cells) == set(KEPT[:3]) and plan.rounds == 3
    assert count_tasks(TOASTS, plan) == len(tasks(TOASTS, plan)) == 3 * 2 * 3


def test_cells_that_no_chosen_style_is_written_for_are_not_thin() -> None:
    assert ("岳父", "寿宴") in KEPT
    assert ("岳父", "寿宴") not in coverage(TOASTS, [], ("幽默",)).thin(1)


def test_nothing_to_fill_is_one_sentence() -> None:
    with pytest.raises(PlanError, match="不用补"):
        top_up_plan(TOASTS, coverage(TOASTS, filled(4)), (), 5, seed=0)
