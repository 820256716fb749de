"""Samples follow a renamed entry of the lists as one step, which goes with the edit of the lists."""

import pytest

from tianji_core import jobs, review
from tianji_core.errors import ConflictError
from tianji_core.recipe import Recipe
from tianji_core.recipe.editing import ListRow, edit_names
from tianji_core.review import RenameEntries
from tianji_core.store import recipes, samples, steps
from tianji_core.store.database import writing
from tianji_core.store.samples import IMPORT, NewSample, SampleFilter
from tianji_core.workspace import Workspace

ALL = SampleFilter("wishes")
TEXT = "赵老师，生日快乐！愿您桃李满园，赵老师。"


@pytest.fixture
def ids(workspace: Workspace) -> list[int]:
    new = [
        NewSample("wishes", "系统", "祝赵老师生日快乐", TEXT, "赵老师", "生日", "正常"),
        NewSample(
            "wishes", "系统", "再短一点", "生日快乐！", "赵老师", "生日", "正常", (("祝赵老师生日", TEXT),)
        ),
        NewSample("wishes", "系统", "祝姐姐生日快乐", "姐姐生日快乐，问赵老师好。", "姐姐", "生日", "正常"),
    ]
    with writing(workspace.engine) as connection:
        return samples.insert_new(connection, new, IMPORT)


def renamed(recipe: Recipe, old: str, new: str) -> Recipe:
    rows = [
        ListRow(place, {**name.model_dump(), "text": new if name.text == old else name.text})
        for place, name in enumerate(recipe.names)
    ]
    return edit_names(recipe, rows)


def save(workspace: Workspace, old: str, new: str) -> RenameEntries:
    stored = recipes.current(workspace.engine, "wishes")
    made = recipes.save(workspace.engine, renamed(stored.recipe, old, new), stored.revision, "称谓")
    return RenameEntries(listing="names", renamed={old: new}, revision=made.revision)


def test_the_samples_of_a_renamed_name_follow_and_undoing_the_list_brings_them_back(
    workspace: Workspace, ids: list[int]
) -> None:
    before = [samples.get(workspace.engine, number) for number in ids]
    recipe = recipes.current(workspace.engine, "wishes").recipe
    shown = review.rename_samples(
        workspace, recipe, renamed(recipe, "赵老师", "钱老师"), "names", {"赵老师": "钱老师"}
    )
    assert (shown.edit.matching, len(shown.edit.revisions)) == (2, 2)
    assert (shown.followed.inputs, shown.followed.answers, shown.followed.left) == (2, 1, 0)
    assert [samples.get(workspace.engine, number) for number in ids] == before, "a preview changes nothing"

    request = save(workspace, "赵老师", "钱老师")
    step = review.make_edit(workspace, review.rename_as_saved(workspace, "wishes", request))
    assert step is not None and (step.action, step.count) == (steps.RENAME, 2)
    first, talk, other = (samples.get(workspace.engine, number) for number in ids)
    assert (first.name, first.input, first.output) == (
        "钱老师",
        "祝钱老师生日快乐",
        TEXT.replace("赵老师", "钱老师"),
    )
    assert not first.is_checked, "what rules say of the name is about the old one"
    assert talk.history == (("祝钱老师生日", TEXT.replace("赵老师", "钱老师")),) and talk.input == "再短一点"
    assert other == before[2], "another receiver's text stays"

    move = recipes.undo_move(workspace.engine, "wishes")
    assert move is not None and move.edit == request.revision
    recipes.undo(workspace.engine, "wishes", request.revision)
    assert review.undo_with_list(workspace, "wishes", move.edit) is not None
    back = [samples.get(workspace.engine, number) for number in ids]
    assert [(s.name, s.input, s.output, s.history) for s in back] == [
        (s.name, s.input, s.output, s.history) for s in before
    ]
    assert review.undo_with_list(workspace, "wishes", move.edit) is None, "once"
    again = recipes.redo_move(workspace.engine, "wishes")
    assert again is not None and again.edit == request.revision
    assert review.redo_with_list(workspace, "wishes", again.edit) is not None
    assert samples.get(workspace.engine, ids[0]).name == "钱老师"


def test_two_names_that_change_places_are_not_mixed_up(workspace: Workspace, ids: list[int]) -> None:
    stored = recipes.current(workspace.engine, "wishes")
    swap = {"赵老师": "姐姐", "姐姐": "赵老师"}
    rows = [
        ListRow(place, {**name.model_dump(), "text": swap.get(name.text, name.text)})
        for place, name in enumerate(stored.recipe.names)
    ]
    made = recipes.save(workspace.engine, edit_names(stored.recipe, rows), stored.revision, "称谓")
    request = RenameEntries(listing="names", renamed=swap, revision=made.revision)
    review.make_edit(workspace, review.rename_as_saved(workspace, "wishes", request))
    assert [samples.get(workspace.engine, number).name for number in ids] == ["姐姐", "姐姐", "赵老师"]
    assert samples.get(workspace.engine, ids[2]).input == "祝赵老师生日快乐"


def test_a_sample_that_changed_since_refuses_the_undo_and_nothing_is_lost(
    workspace: Workspace, ids: list[int]
) -> None:
    request = save(workspace, "赵老师", "钱老师")
    review.make_edit(workspace, review.rename_as_saved(workspace, "wishes", request))
    now = samples.get(workspace.engine, ids[0])
    steps.edit(workspace.engine, "wishes", now.id, now.version, "钱老师，改过的一句。", "我")
    with pytest.raises(ConflictError, match="列表也没有动"):
        review.check_with_list(workspace, "wishes", request.revision, undone=False)
    with pytest.raises(ConflictError):
        review.undo_with_list(workspace, "wishes", request.revision)
    assert samples.get(workspace.engine, ids[1]).name == "钱老师"


def test_many_samples_follow_in_the_background(workspace: Workspace, ids: list[int]) -> None:
    request = save(workspace, "赵老师", "钱老师")
    chosen = review.samples_of("wishes", "names", request.renamed)
    job = review.start_bulk_edit(workspace, chosen, request, "我")
    assert jobs.wait(workspace, job.id, 120).state == "succeeded"
    assert samples.get(workspace.engine, ids[1]).name == "钱老师"
    assert review.undo_with_list(workspace, "wishes", request.revision) is not None


def test_a_list_that_is_undone_stops_the_samples_that_are_still_to_follow(
    workspace: Workspace, ids: list[int]
) -> None:
    request = save(workspace, "赵老师", "钱老师")
    chosen = review.samples_of("wishes", "names", request.renamed)
    job = review.start_bulk_edit(workspace, chosen, request, "我")
    recipes.undo(workspace.engine, "wishes", request.revision)
    review.undo_with_list(workspace, "wishes", request.revision)
    assert not jobs.get(workspace, job.id).active
    assert samples.get(workspace.engine, ids[1]).name == "赵老师"
    with pytest.raises(ConflictError, match="已经撤销"):
        review.rename_as_saved(workspace, "wishes", request)
    recipes.redo(workspace.engine, "wishes", request.revision + 1)
    review.redo_with_list(workspace, "wishes", request.revision)
    again = review.bulk_edit_job(workspace, "wishes")
    assert again is not None and jobs.wait(workspace, again.id, 120).state == "succeeded"
    assert samples.get(workspace.engine, ids[1]).name == "钱老师"


def test_undo_in_the_review_leaves_what_goes_with_a_list(workspace: Workspace, ids: list[int]) -> None:
    request = save(workspace, "赵老师", "钱老师")
    review.make_edit(workspace, review.rename_as_saved(workspace, "wishes", request))
    assert steps.last(workspace.engine, "wishes") is None and steps.undo(workspace.engine, "wishes") is None
    assert review.undo_with_list(workspace, "wishes", request.revision) is not None
    assert steps.next_redo(workspace.engine, "wishes") is None
    assert steps.redo(workspace.engine, "wishes") is None
    assert samples.get(workspace.engine, ids[0]).name == "赵老师"
