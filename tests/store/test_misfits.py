"""Samples that no longer fit: found after a change, rejected as one step, brought back as one."""

import pytest

from tianji_core.recipe import SuitabilityGroup, built_in_recipe
from tianji_core.recipe.gaps import with_gaps
from tianji_core.store import samples, steps
from tianji_core.store.database import writing
from tianji_core.store.misfits import misfits, reject_misfits
from tianji_core.store.samples import NewSample, SampleFilter, insert_new
from tianji_core.workspace import Workspace

WISHES = built_in_recipe("wishes")


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    cells = [("姐姐", "生日"), ("姐姐", "春节"), ("哥哥", "生日")]
    new = [
        NewSample(
            "wishes", "s", f"{n}{s}{style}{i}", f"愿{n}{s}一切都好{style}{i}", name=n, scene=s, style=style
        )
        for n, s in cells
        for style in ("正常", "诗词赋")
        for i in range(2)
    ]
    with writing(workspace.engine) as connection:
        insert_new(connection, new, "import")
    return workspace


def test_nothing_is_a_misfit_while_everything_suits(filled: Workspace) -> None:
    assert misfits(filled.engine, WISHES) == []


def test_a_cell_and_a_style_gap_are_found_with_their_reasons_and_rejected_as_one_step(
    filled: Workspace,
) -> None:
    group = SuitabilityGroup(names=("姐姐",), scenes=("春节",), value=0, reason="试试")
    recipe = WISHES.changed(suitability=(*WISHES.suitability, group))
    recipe = recipe.changed(style_gaps=with_gaps(recipe, "诗词赋", [("哥哥", "生日")], "太雅"))
    found = misfits(filled.engine, recipe)
    assert {(m.key, m.count, m.reason, m.style_only) for m in found} == {
        (("姐姐", "春节", "正常"), 2, "试试", False),
        (("姐姐", "春节", "诗词赋"), 2, "试试", False),
        (("哥哥", "生日", "诗词赋"), 2, "太雅", True),
    }
    wanted = SampleFilter("wishes", states=("rejected",))
    step = reject_misfits(filled.engine, recipe, [m.key for m in found], "我")
    assert step is not None and step.count == samples.count(filled.engine, wanted) == 6
    assert misfits(filled.engine, recipe) == []
    assert reject_misfits(filled.engine, recipe, [m.key for m in found], "我") is None
    steps.undo(filled.engine, "wishes")
    assert samples.count(filled.engine, wanted) == 0
