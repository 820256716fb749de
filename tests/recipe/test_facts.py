"""细节: facts are drawn evenly, told to the teacher and, on wish, in the input, and read again from it."""

from collections import Counter

import pytest

from tianji_core.errors import RecipeError
from tianji_core.recipe import (
    Fact,
    FactReader,
    Plan,
    Recipe,
    Relation,
    brief,
    built_in_recipe,
    by_fact,
    tasks,
)
from tianji_core.recipe.editing import ListRow, changed, edit_facts, edit_kinds, edit_names
from tianji_core.recipe.tables import Listing, Status, add_rows, read_rows, replace_rows, to_csv

FACTS = (
    {"text": "他刚带完高三", "names": ("赵老师",)},
    {"text": "他爱钓鱼"},
    {"text": "她爱跳舞", "relations": ("elder",)},
)


@pytest.fixture
def recipe() -> Recipe:
    return changed(built_in_recipe("wishes"), facts=FACTS)


def test_facts_are_spread_evenly_over_the_asked_share_of_tasks_that_they_fit(recipe: Recipe) -> None:
    many = [{"text": f"他去过第{n}个城市"} for n in range(7)]
    planned = tasks(changed(recipe, facts=many, fact_share=0.3), Plan(styles=("正常",), seed=4))
    used = Counter(task.fact for task in planned)
    assert abs((len(planned) - used.pop("")) - 0.3 * len(planned)) <= 1
    assert len(used) == 7 and max(used.values()) - min(used.values()) <= 1
    for task in tasks(changed(recipe, fact_share=1.0), Plan(styles=("正常",))):
        if task.fact == "他刚带完高三":
            assert task.name == "赵老师"
        if task.fact == "她爱跳舞":
            assert recipe.name(task.name).relation == Relation.ELDER
    assert all(by_fact(recipe, tasks(changed(recipe, fact_share=1.0), Plan())).values())


def test_a_plan_without_facts_stays_as_it_was(recipe: Recipe) -> None:
    plain = built_in_recipe("wishes")
    off = changed(recipe, facts=[{**fact, "enabled": False} for fact in FACTS])
    assert (
        tasks(plain, Plan(limit=50))
        == tasks(off, Plan(limit=50))
        == tasks(changed(recipe, fact_share=0), Plan(limit=50))
    )
    with_fact = next(task for task in tasks(recipe, Plan()) if task.fact)
    told, silent = brief(recipe, with_fact, 0), brief(recipe, with_fact._replace(fact=""), 0)
    assert told.prompt != silent.prompt and with_fact.fact in told.prompt
    assert told.input == silent.input, "only on wish"
    assert told.prompt.splitlines()[: len(silent.prompt.splitlines())] == silent.prompt.splitlines()


def test_the_input_tells_the_fact_on_wish_and_an_import_reads_it_again(recipe: Recipe) -> None:
    recipe = changed(recipe, facts_in_input=True, fact_share=1.0)
    reader = FactReader(recipe.facts)
    for task in tasks(recipe, Plan(limit=60, seed=3)):
        asked = brief(recipe, task, 3).input
        fact, rest = reader.read(asked)
        assert fact is not None and fact.text == task.fact
        assert rest == brief(recipe, task._replace(fact=""), 3).input
    assert reader.read("祝他爱钓鱼的大伯生日") == (None, "祝他爱钓鱼的大伯生日")


def test_the_teacher_template_may_place_the_fact(recipe: Recipe) -> None:
    prompts = recipe.prompts.model_dump() | {
        "teacher": "{fact}\n给{name}写{scene}，{instruction}，{max_chars}字",
        "fact": "他的事：{fact}",
    }
    placed = changed(recipe, prompts=prompts, fact_share=1.0)
    task = tasks(placed, Plan(limit=1))[0]
    assert brief(placed, task, 0).prompt.startswith(f"他的事：{task.fact}\n")
    with pytest.raises(RecipeError, match="fact"):
        changed(recipe, prompts=prompts | {"fact": "没有字段"})


def test_many_facts_are_pasted_exported_and_read_back(recipe: Recipe) -> None:
    text = "他刚升职，忙得很\t李总、导师\n她怀孕了\t\t平辈\n他爱钓鱼\n路人\t不认识的人\n坏的\t\t亲家\n\n"
    rows = read_rows(recipe, Listing.FACTS, text)
    assert [row.status for row in rows] == [
        Status.NEW,
        Status.NEW,
        Status.DUPLICATE,
        Status.WRONG,
        Status.WRONG,
    ]
    assert "不认识的人" in rows[3].message and "亲家" in rows[4].message
    new = add_rows(recipe, Listing.FACTS, rows)
    assert new.facts[-2:] == (
        Fact(text="他刚升职，忙得很", names=("李总", "导师")),
        Fact(text="她怀孕了", relations=(Relation.PEER,)),
    )
    again = read_rows(recipe, Listing.FACTS, to_csv(new, Listing.FACTS))
    assert replace_rows(recipe, Listing.FACTS, again).facts == new.facts


def test_wrong_rows_are_named_and_a_renamed_receiver_keeps_its_facts(recipe: Recipe) -> None:
    with pytest.raises(RecipeError, match="第 2 行"):
        edit_facts(
            recipe,
            [ListRow(None, {"text": "他爱唱歌"}), ListRow(None, {"text": "他爱跑步", "names": "没有这人"})],
        )
    with pytest.raises(RecipeError, match="两次"):
        edit_facts(recipe, [ListRow(None, {"text": "他爱唱歌"}), ListRow(None, {"text": "他爱唱歌。"})])
    assert edit_facts(recipe, []).facts == ()
    rows = [
        ListRow(n, name.model_dump() | ({"text": "赵先生"} if name.text == "赵老师" else {}))
        for n, name in enumerate(recipe.names)
    ]
    assert edit_names(recipe, rows).facts[0].names == ("赵先生",)


def test_examples_take_turns_so_that_all_are_shown_alike() -> None:
    recipe = built_in_recipe("wishes")
    for number in range(6):
        shown: Counter[str] = Counter()
        for task in tasks(recipe, Plan(styles=("小红书",), limit=200, seed=5)):
            asked = brief(recipe, task, 5, number)
            assert len(set(asked.examples)) == number
            assert all(example in asked.prompt for example in asked.examples)
            shown.update(asked.examples)
        assert not number or max(shown.values()) - min(shown.values()) <= 1


def test_facts_of_a_receiver_that_is_gone_or_has_marks_in_its_name_can_be_saved(recipe: Recipe) -> None:
    rows = [ListRow(n, {**name.model_dump()}) for n, name in enumerate(recipe.names) if name.text != "赵老师"]
    gone = edit_names(recipe, rows)
    shown = [
        ListRow(n, {"text": fact.text, "names": "、".join(fact.names)}) for n, fact in enumerate(gone.facts)
    ]
    assert edit_facts(gone, shown).facts[0].names == gone.facts[0].names
    rows = [
        ListRow(n, name.model_dump() | ({"text": "爸爸/妈妈"} if name.text == "赵老师" else {}))
        for n, name in enumerate(recipe.names)
    ]
    both = edit_names(recipe, rows)
    again = edit_facts(both, [ListRow(0, {"text": "他刚带完高三", "names": "爸爸/妈妈、大舅"})])
    assert again.facts[0].names == ("爸爸/妈妈", "大舅")


def test_marks_around_a_fact_do_not_count() -> None:
    with pytest.raises(ValueError):
        Fact(text="。。")
    assert Fact(text="，他刚退休。").text == "他刚退休"


@pytest.mark.parametrize(
    "field", [{"facts": [{"text": "她爱跳舞"}]}, {"own_rules": [{"kind": "forbidden", "text": "祝福"}]}]
)
def test_relations_of_facts_and_own_rules_are_those_of_the_recipe(field: dict[str, list[dict]]) -> None:
    ((name, (entry,)),) = field.items()
    wishes = built_in_recipe("wishes")
    with pytest.raises(RecipeError, match=rf"{name}\.0\.relations\.0.*eldr"):
        changed(wishes, **{name: [{**entry, "relations": ["eldr"]}]})
    titles = [*wishes.relation_titles().values(), "邻居"]
    wider = edit_kinds(wishes, "relations", [ListRow(n, {"text": title}) for n, title in enumerate(titles)])
    used = changed(wider, **{name: [{**entry, "relations": ["邻居"]}]})
    with pytest.raises(RecipeError, match=r"邻居.*1 个在用"):
        edit_kinds(used, "relations", [ListRow(n, {"text": title}) for n, title in enumerate(titles[:-1])])
