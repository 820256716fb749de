"""What the studio is not sure of is left to a person, though no rule objects; what is sure stays so."""

from collections.abc import Iterator

import pytest

from benchmarks.planted.texts import composed
from tianji_core import cleaning
from tianji_core.cleaning import Subject, context_of, doubt
from tianji_core.cleaning.doubt import SIGNS, signs
from tianji_core.recipe import built_in_recipes, load_recipe
from tianji_core.store import samples, steps
from tianji_core.store.database import writing
from tianji_core.store.samples import ACCEPTED, IMPORT, PENDING, NewSample, SampleFilter
from tianji_core.workspace import Workspace

CONTEXT = context_of(load_recipe(built_in_recipes()["wishes"]))
SURE = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"
STRANGE = "妹妹，生日快乐，他说他的舅舅今年也要来，让她把奶奶的账本带上。"


def test_an_ordinary_blessing_is_sure() -> None:
    found = doubt(Subject(SURE, "妹妹", "生日", "正常"), CONTEXT)
    assert found.is_sure and not found.why


def test_a_text_that_nothing_of_what_was_asked_explains_is_doubtful_with_a_reason() -> None:
    found = doubt(Subject(STRANGE, "妹妹", "生日", "正常"), CONTEXT)
    assert not found.is_sure
    assert found.why


def test_the_signs_have_one_number_each() -> None:
    for text in (SURE, STRANGE, "好", "，", "a\n\nb"):
        values, _cut = signs(Subject(text, "妹妹", "生日", "正常"), CONTEXT)
        assert len(values) == len(SIGNS)


def test_few_composed_texts_are_doubtful() -> None:
    texts = composed(CONTEXT.recipe, 1, 23, limit=1_500)
    left = sum(not doubt(Subject(t.output, t.name, t.scene, t.style), CONTEXT).is_sure for t in texts)
    assert left <= 0.03 * len(texts)


def test_texts_of_other_tasks_are_not_judged() -> None:
    other = context_of(load_recipe(built_in_recipes()["tutorial"]).model_copy(update={"blessings": False}))
    assert doubt(Subject(STRANGE, "妹妹", "生日", "正常"), other).value == 0


def test_thanks_need_wish_nothing_to_be_sure() -> None:
    thanks = context_of(load_recipe(built_in_recipes()["thanks"]))
    texts = [(text, style.text) for style in thanks.recipe.styles for text in style.examples]
    left = sum(not doubt(Subject(text, style=style), thanks).is_sure for text, style in texts)
    assert left <= len(texts) / 4


@pytest.fixture
def space(workspace: Workspace) -> Iterator[Workspace]:
    new = [NewSample("wishes", "", "写一条", text, "妹妹", "生日", "正常") for text in (SURE, STRANGE)]
    with writing(workspace.engine) as connection:
        samples.insert_new(connection, new, IMPORT)
    cleaning.check_new(workspace, "wishes")
    yield workspace


def test_sure_and_doubtful_samples_are_apart(space: Workspace) -> None:
    pending = SampleFilter("wishes", states=(PENDING,))
    assert samples.count(space.engine, SampleFilter("wishes", clean=True)) == 2
    sure = samples.page(space.engine, SampleFilter("wishes", sure=True), limit=5)
    doubtful = samples.page(space.engine, SampleFilter("wishes", sure=False), limit=5)
    assert [sample.output for sample in sure] == [SURE]
    assert [sample.output for sample in doubtful] == [STRANGE]
    assert sure[0].doubt == 0 and doubtful[0].doubt >= 0.5
    first, second = samples.page(space.engine, pending, limit=5, order=samples.UNSURE)
    assert (first.output, second.output) == (STRANGE, SURE)


def test_what_a_person_accepted_by_itself_is_settled_and_what_was_taken_in_bulk_is_not(
    space: Workspace,
) -> None:
    accepted = SampleFilter("wishes", states=(ACCEPTED,), sure=True)
    steps.set_state(space.engine, SampleFilter("wishes"), ACCEPTED, "甲")
    assert samples.count(space.engine, accepted) == 1
    steps.undo(space.engine, "wishes")
    doubtful = samples.page(space.engine, SampleFilter("wishes", sure=False), limit=5)[0]
    alone = SampleFilter("wishes", ids=(doubtful.id,))
    steps.set_state(space.engine, alone, ACCEPTED, "甲", {doubtful.id: doubtful.version})
    assert [each.id for each in samples.page(space.engine, accepted, limit=5)] == [doubtful.id]
