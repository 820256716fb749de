"""The options of axes from the plan to the sample: offline texts obey them, samples carry them."""

import asyncio

import pytest

from tianji_core import generation
from tianji_core.cleaning.rule import Subject, context_of
from tianji_core.cleaning.rules import check
from tianji_core.comparison import Ask, Column, asks_about, plan_board, request_text
from tianji_core.comparison.marks import check_cell
from tianji_core.dataset import CellGuess
from tianji_core.evaluation import Checker, held_out_cases
from tianji_core.evaluation.evaluate import judge
from tianji_core.generation.generating import run_generation
from tianji_core.jobs import Reporter
from tianji_core.recipe import Plan, Recipe, brief, built_in_recipe, by_option, tasks
from tianji_core.serving import ChatSampling
from tianji_core.store import recipes, samples
from tianji_core.store.samples import SampleFilter
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.teachers.composer import Composer
from tianji_core.workspace import Workspace

BUILT_IN = built_in_recipe("wishes")
RECIPE: Recipe = BUILT_IN.changed(axes=[axis.model_copy(update={"enabled": True}) for axis in BUILT_IN.axes])


def test_offline_texts_obey_length_and_tone_in_every_style() -> None:
    composer, context = Composer(), context_of(RECIPE)
    planned = tasks(RECIPE, Plan(weighted=True, limit=1200, seed=2))
    for task in planned:
        asked = brief(RECIPE, task, 2)
        text = composer.compose(asked).text
        assert asked.style.min_chars <= len(text) <= asked.style.max_chars, text
        subject = Subject(text, task.name, task.scene, task.style, task.options)
        assert not {"too_short", "too_long", "wrong_pronoun", "wrong_scene"} & {
            found.rule for found in check(subject, context)
        }
        for axis, option in task.options:
            closings = composer.phrases.closings(axis, option, task.style)
            said = [p.source.replace("<you>", asked.name.pronoun.value) for p in closings]
            assert not said or any(sentence in text for sentence in said), text


def test_the_limits_of_an_option_override_those_of_the_style_in_the_checks() -> None:
    context = context_of(RECIPE)
    text = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情，和朋友们热热闹闹地吃一顿蛋糕。"
    plain = Subject(text, "妹妹", "生日", "正常")
    assert context.limits_of(plain) == (20, 60)
    assert "too_long" not in {found.rule for found in check(plain, context)}
    short = plain._replace(options=(("length", "short"),))
    assert context.limits_of(short) == (15, 34)
    assert "too_long" in {found.rule for found in check(short, context)}


def test_samples_of_a_run_carry_their_options_and_are_counted_and_filtered(workspace: Workspace) -> None:
    recipes.save(workspace.engine, RECIPE, 0, "条件")
    plan = Plan(styles=("正常", "小红书"), weighted=True, limit=60)
    run = generation.create_run(
        workspace, "wishes", plan, TeacherChoice(provider="offline"), Sampling(), concurrency=1
    )
    asyncio.run(run_generation(workspace, run.id, Reporter()))
    every = SampleFilter("wishes")
    assert samples.option_counts(workspace.engine, every) == by_option(RECIPE, tasks(RECIPE, plan))
    short = SampleFilter("wishes", options=(("length", "short"),))
    listed = samples.page(workspace.engine, short, limit=100)
    assert len(listed) == samples.count(workspace.engine, short) == 15
    assert all(dict(sample.options)["length"] == "short" for sample in listed)
    both = SampleFilter("wishes", options=(("length", "short"), ("length", "long"), ("tone", "warm")))
    found = [dict(sample.options) for sample in samples.page(workspace.engine, both, limit=100)]
    assert found and all(o["length"] in ("short", "long") and o["tone"] == "warm" for o in found)


@pytest.mark.parametrize(
    ("asked", "options", "cell"),
    [
        ("祝大舅生日,小红书风格,短一点", (("length", "short"),), ("大舅", "生日", "小红书")),
        (
            "写得长一些，祝导师春节快乐，恭敬些",
            (("length", "long"), ("tone", "respectful")),
            ("导师", "春节", "正常"),
        ),
        ("祝姐姐生日", (), ("姐姐", "生日", "正常")),
    ],
)
def test_an_import_recognises_the_words_of_options(
    asked: str, options: tuple[tuple[str, str], ...], cell: tuple[str, str, str]
) -> None:
    guess = CellGuess(RECIPE)
    assert guess.options_of(asked)[0] == options and guess.of(asked) == cell
    assert CellGuess(BUILT_IN).options_of(asked)[0] == (), "axes that are off are not looked for"


def test_an_evaluation_reports_every_option() -> None:
    cases = held_out_cases(RECIPE, ("正常",), 60)
    report = judge(cases, ["愿你安好。"] * len(cases), Checker(RECIPE))
    titles = [rates.title for rates in report.options]
    assert titles == ["长度 短", "长度 中", "长度 长", "语气 恭敬", "语气 亲近", "语气 俏皮"]
    assert sum(rates.count for rates in report.options[:3]) == report.overall.count == 60
    assert all(rates.length == 0 for rates in report.options) and "长度 短" in report.table()


def test_a_comparison_asks_every_combination_and_holds_its_answers_to_its_limits() -> None:
    asks = asks_about(RECIPE, ["大舅"], ["生日"], [("length", "short"), ("length", "long"), ("tone", "warm")])
    assert [ask.title for ask in asks] == ["大舅 × 生日 · 短 · 亲近", "大舅 × 生日 · 长 · 亲近"]
    assert request_text(RECIPE, asks[0], "小红书") == "祝大舅生日,小红书风格,短一点,亲近些"
    (plain,) = asks_about(RECIPE, ["大舅"], ["生日"])
    assert plain == Ask(name="大舅", scene="生日")
    column = Column(url="http://127.0.0.1:1", model="m", style="正常")
    board = plan_board(RECIPE, asks, [column], "", ChatSampling())
    text = "大舅，生日快乐！愿您身体硬朗，天天都有笑脸，吃好睡好，烦心事少，好事多。"
    checked = [
        check_cell(Checker(RECIPE), board, cell.model_copy(update={"text": text})) for cell in board.cells
    ]
    assert [one.span for one in checked] == [(15, 34), (49, 80)]
