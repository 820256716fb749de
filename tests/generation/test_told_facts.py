"""细节 from the plan to the sample: written offline, checked, counted, frozen and imported again."""

import asyncio

from tianji_core import generation
from tianji_core.cleaning import Subject, check_new, context_of
from tianji_core.cleaning.rules import check
from tianji_core.dataset import freeze, import_path
from tianji_core.generation import offline_gaps
from tianji_core.generation.generating import run_generation
from tianji_core.jobs import Reporter
from tianji_core.recipe import Plan, brief, built_in_recipe, by_fact, tasks
from tianji_core.recipe.editing import changed
from tianji_core.store import recipes, samples
from tianji_core.store.samples import SampleFilter
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.teachers.composer import Composer
from tianji_core.workspace import Workspace

FACTS = (
    {"text": "他刚带完高三", "names": ("赵老师",)},
    {"text": "他爱钓鱼"},
    {"text": "我们一起考过研", "relations": ("peer", "friend")},
)
RECIPE = changed(built_in_recipe("wishes"), facts=FACTS, fact_share=1.0, facts_in_input=True)


def test_the_offline_composer_uses_facts_and_the_plan_says_where_it_cannot() -> None:
    composer, context = Composer(), context_of(RECIPE)
    gaps = offline_gaps(RECIPE, tasks(RECIPE, Plan()))
    assert gaps is not None and not gaps.count and not gaps.everything
    silent = {said.partition("（")[0] for said in gaps.facts}
    assert "诗词赋" in silent and not {"正常", "白话", "文言文"} & silent
    assert all(said in gaps.message for said in gaps.facts)
    for task in tasks(RECIPE, Plan(limit=600, seed=3)):
        asked = brief(RECIPE, task, 3)
        text = composer.compose(asked).text
        assert asked.style.min_chars <= len(text) <= asked.style.max_chars, text
        found = {f.rule for f in check(Subject(text, *task[1:4], fact=task.fact), context)}
        assert not {"wrong_pronoun", "wrong_scene", "too_long"} & found, text
        if task.style not in silent:
            assert "fact_unused" not in found, text
            assert "他" not in text or "其他" in text, text


def test_a_fact_goes_from_the_run_into_the_sample_the_counts_and_the_frozen_version(
    workspace: Workspace,
) -> None:
    recipes.save(workspace.engine, RECIPE, 0, "细节")
    plan = Plan(styles=("正常", "诗词赋"), limit=60)
    choice = TeacherChoice(provider="offline")
    run = generation.create_run(workspace, "wishes", plan, choice, Sampling(), concurrency=1)
    asyncio.run(run_generation(workspace, run.id, Reporter()))
    every = SampleFilter("wishes")
    planned = by_fact(RECIPE, tasks(RECIPE, plan))
    assert samples.fact_counts(workspace.engine, every) == planned and sum(planned.values()) == 60
    one = samples.page(workspace.engine, every, limit=1)[0]
    assert one.fact and one.fact in one.input
    shown = samples.provenance(workspace.engine, one.id)
    assert len(shown.examples) == 1 and shown.examples[0] in shown.prompt and one.fact in shown.prompt
    assert samples.example_counts(workspace.engine, every)[shown.examples[0]] >= 1
    check_new(workspace, "wishes")
    unused = samples.page(workspace.engine, SampleFilter("wishes", rules=("fact_unused",)), limit=100)
    assert unused and {sample.style for sample in unused} == {"诗词赋"}
    version = freeze(workspace, "wishes", "带细节", every)
    assert version.manifest["by_fact"] == planned
    folder = workspace.home / version.folder
    file = folder / "train.json"
    import_path(workspace, "thanks", file)
    assert samples.fact_counts(workspace.engine, SampleFilter("thanks")) == {}, "that recipe knows none"
    other = changed(RECIPE, key="wishes-2", title="另一份")
    recipes.save(workspace.engine, other, 0, "")
    import_path(workspace, "wishes-2", file)
    again = SampleFilter("wishes-2")
    assert samples.fact_counts(workspace.engine, again) == planned
    assert samples.style_counts(workspace.engine, again) == samples.style_counts(workspace.engine, every)
    assert samples.cell_counts(workspace.engine, again).__len__() == len(
        samples.cell_counts(workspace.engine, every)
    )
