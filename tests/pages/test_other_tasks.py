"""Every page of a recipe that is about no blessings speaks as the recipe does."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.checkpoints import add_training
from tests.other_tasks import APOLOGIES, COPY, apologies, copy_for_goods
from tests.pages.opening import opened, press
from tests.pages.told import told
from tianji_core import cleaning, dataset
from tianji_core.comparison import Ask, Column, plan_board, save_board
from tianji_core.i18n import set_language
from tianji_core.model_folders.manifest import Artefact
from tianji_core.push.cards import model_readme
from tianji_core.push.target import PushTarget
from tianji_core.recipe import Recipe
from tianji_core.serving import ChatSampling
from tianji_core.store import datasets, recipes, samples, steps, votes
from tianji_core.store.samples import NewSample, SampleFilter
from tianji_core.store.votes import Vote
from tianji_core.workspace import Workspace, open_workspace

PAGES = [
    *(
        "home",
        "lists",
        *(f"lists?list={part}" for part in ("scenes", "styles", "axes", "templates", "prompts")),
    ),
    *("heatmap", "heatmap?map_view=coverage", "heatmap?map_view=misfits"),
    *("generate", "generate?part=imitation", "generate?part=following", "generate?part=knowledge"),
    "generate?part=knowledge&use=examples",
    *("review", "review?view=批量", "dataset", "dataset?part=版本", "train", "train?run=1", "models", "chat"),
    *("compare", *(f"compare?view={view}" for view in ("new", "grid", "scores", "blind", "sweep")), "jobs"),
]
WISHES_ONLY = re.compile("祝福|送给|场合|祝语|称谓|场景|风格|长辈|节日")
ENGLISH_WISHES = re.compile(r"(?i)\bbless|\bwish|\boccasion|\bfestival")
SHIPPED = (
    "送祝福",
    "tianji-wishes",
    "天机",
    "腊八节",
    "生日快乐",
    "升职祝福",
    "小红书风格",
    "严肃风格",
    "三种风格",
)
"""What may be named on every page: the other recipes, the studio itself, and what its shipped walk shows."""
ABOUT_BLESSINGS = ("写的是祝福", "These are blessings")
"""The switch that says whether a recipe is about blessings."""
KEPT = re.compile("^风格$|`[^`]*`")
"""What a new recipe calls its styles at first, and the fields of a file."""


def wrong_words(app: AppTest, pattern: re.Pattern[str] = WISHES_ONLY) -> list[str]:
    """The texts of a page, with all that is folded, that speak of another task than the recipe's."""
    texts = [text for text in told(app) if not any(known in text for known in (*SHIPPED, *ABOUT_BLESSINGS))]
    return [text for text in texts if pattern.search(KEPT.sub("", text))]


def filled(workspace: Workspace, recipe: Recipe, texts: dict[tuple[str, str, str], str]) -> None:
    """Opens a recipe with samples, of which some are accepted and frozen."""
    recipes.add(workspace.engine, recipe, "新配方")
    workspace.save_settings(workspace.settings().model_copy(update={"recipe": recipe.key}))
    ids = []
    for (name, scene, style), text in texts.items():
        new = NewSample(
            recipe=recipe.key,
            system=recipe.prompts.system,
            input=f"{name} {scene} {style}",
            output=text,
            name=name,
            scene=scene,
            style=style,
        )
        ids.append(samples.add(workspace.engine, new))
    cleaning.check_new(workspace, recipe.key)
    half = SampleFilter(recipe.key, ids=tuple(ids[: len(ids) // 2]))
    steps.set_state(workspace.engine, half, samples.ACCEPTED, "")
    dataset.freeze(workspace, recipe.key, "第一版")


def trained(workspace: Workspace, recipe: Recipe, texts: dict[tuple[str, str, str], str]) -> None:
    """A training of the recipe, and a comparison of two models that somebody has voted on."""
    add_training(workspace, workspace.home.parent / "base", {4: 0.0}, "学的", recipe.key)
    (name, scene, style), text = next(iter(texts.items()))
    columns = [Column(url="http://127.0.0.1:9/v1", model=model, style=style) for model in ("新", "旧")]
    asks = [Ask(name=name, scene=scene)]
    board = plan_board(recipe, asks, columns, recipe.prompts.system, ChatSampling(seed=1))
    for cell, said in zip(board.cells, (text, "抱歉。"), strict=True):
        cell.text, cell.state = said, "done"
    save_board(workspace, board)
    vote = Vote(recipe.key, recipe.prompts.system, "请写一条", "新", style, text, "旧", style, "抱歉。")
    votes.decide(workspace.engine, [vote], "我")


@pytest.fixture(scope="module")
def homes(new_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of two workspaces in which a recipe of another task has gone the whole way."""
    made = {}
    copy = {("文案", *cell): text for cell, text in COPY.items()}
    for recipe, texts in ((apologies(), APOLOGIES), (copy_for_goods(), copy)):
        home = made[recipe.key] = tmp_path_factory.mktemp(recipe.key) / "workspace"
        shutil.copytree(new_workspace, home)
        space = open_workspace(home)
        filled(space, recipe, texts)
        trained(space, recipe, texts)
        space.engine.dispose()
    return made


@pytest.fixture
def visit(
    request: pytest.FixtureRequest, homes: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str, str], AppTest]:
    """Opens a page of one of the recipes in a language."""

    def opened_in(key: str, language: str, place: str) -> AppTest:
        monkeypatch.setenv("TIANJI_HOME", str(homes[key]))
        space = open_workspace(homes[key])
        space.save_settings(space.settings().model_copy(update={"language": language}))
        space.engine.dispose()
        set_language(language)
        name, _, query = place.partition("?")
        return opened(name, **dict(part.split("=") for part in query.split("&") if part))

    return opened_in


@pytest.mark.sqlite
@pytest.mark.parametrize("place", PAGES)
def test_no_page_of_apologies_speaks_of_blessings(
    visit: Callable[[str, str, str], AppTest], place: str
) -> None:
    app = visit("apologies", "zh", place)
    assert wrong_words(app) == []
    bare = place.partition("?")[0]
    assert bare in ("home", "train", "models", "jobs", "heatmap", "dataset", "generate") or any(
        word in text for text in told(app) for word in ("致歉", "客户称呼", "投诉事由", "口气")
    )
    assert wrong_words(visit("apologies", "en", place), ENGLISH_WISHES) == []


@pytest.mark.sqlite
@pytest.mark.parametrize("place", PAGES)
def test_no_page_of_copy_for_goods_asks_for_a_receiver(
    visit: Callable[[str, str, str], AppTest], place: str
) -> None:
    assert wrong_words(visit("goods", "zh", place)) == []
    assert wrong_words(visit("goods", "en", place), ENGLISH_WISHES) == []


@pytest.mark.sqlite
def test_the_map_says_before_a_top_up_that_the_composer_cannot_write_it(
    visit: Callable[[str, str, str], AppTest],
) -> None:
    app = visit("apologies", "zh", "heatmap?map_view=coverage")
    assert any("离线造句写不了" in error.value for error in app.error)
    assert not [button for button in app.button if button.key == "top_up"]


def test_cards_of_another_task_speak_of_no_blessings(workspace: Workspace) -> None:
    filled(workspace, apologies(), APOLOGIES)
    version = datasets.find(workspace.engine, "第一版")
    assert version is not None
    folder = workspace.home / version.folder
    cards = {name: (folder / name).read_text(encoding="utf-8") for name in ("README.md", "README_zh.md")}
    model = Artefact(
        name="m", kind="gguf", title="m", path=workspace.home, system="你是客服", dataset_name=version.name
    )
    target = PushTarget("huggingface", "model", "me/apology-7b", "http://127.0.0.1:9")
    cards["model"] = model_readme(workspace, model, None, target, "apache-2.0")
    for name, card in cards.items():
        assert not re.search("祝|称谓|blessing|not_blessing|wrong_occasion", card.replace("-wishes", "")), (
            name
        )
    assert "ollama create apology-7b" in cards["model"]


def test_a_recipe_is_begun_renamed_and_sorted_by_clicking(workspace: Workspace) -> None:
    app = opened("lists")
    for key, text in (
        ("begin_title", "客服致歉"),
        ("begin_key", "apologies"),
        ("begin_text", "致歉"),
        ("begin_name", "客户称呼"),
        ("begin_scene", "投诉事由"),
    ):
        app.text_input(key=key).set_value(text)
    app.text_area(key="begin_names").set_value("赵先生\n钱女士")
    app.text_area(key="begin_scenes").set_value("快递晚到三天\n菜里有头发")
    app.text_area(key="begin_styles").set_value("诚恳\n简短").run()
    press(app, "begin_recipe")
    recipe = recipes.current(workspace.engine, "apologies").recipe
    assert workspace.settings().recipe == "apologies" and not recipe.blessings
    assert recipe.words.name == "客户称呼" and recipe.words.style == "风格"
    app = opened("lists")
    assert app.segmented_control(key="list").options[:2] == ["客户称呼", "投诉事由"]
    app.text_input(key="word_to_whom_1").set_value("向谁致歉").run()
    press(app, "save_words")
    chat = opened("chat")
    assert chat.selectbox(key="name").label == "向谁致歉"
    assert chat.selectbox(key="name").options == ["赵先生", "钱女士"]


@pytest.mark.sqlite
def test_words_to_leave_out_are_those_of_the_task(visit: Callable[[str, str, str], AppTest]) -> None:
    app = visit("apologies", "zh", "generate?part=following")
    assert app.text_input(key="following_words").value == "钱、时间、电话、工作、孩子、辛苦"
