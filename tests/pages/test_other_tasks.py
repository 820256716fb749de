"""Every page of a recipe that is about no blessings speaks as the recipe does."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from tests.other_tasks import APOLOGIES, COPY, apologies, copy_for_goods
from tests.pages.opening import opened, press
from tianji_core import cleaning, dataset
from tianji_core.model_folders.manifest import Artefact
from tianji_core.push.cards import model_readme
from tianji_core.push.target import PushTarget
from tianji_core.recipe import Recipe
from tianji_core.store import datasets, recipes, samples, steps
from tianji_core.store.samples import NewSample, SampleFilter
from tianji_core.workspace import Workspace

PAGES = [
    ("home", {}),
    ("lists", {}),
    ("lists", {"list": "scenes"}),
    ("lists", {"list": "styles"}),
    ("lists", {"list": "axes"}),
    ("lists", {"list": "templates"}),
    ("lists", {"list": "prompts"}),
    ("heatmap", {}),
    ("generate", {}),
    ("generate", {"part": "imitation"}),
    ("generate", {"part": "following"}),
    ("review", {}),
    ("review", {"view": "批量"}),
    ("dataset", {}),
    ("dataset", {"part": "版本"}),
    ("train", {}),
    ("models", {}),
    ("chat", {}),
    ("compare", {}),
    ("jobs", {}),
]
WISHES_ONLY = re.compile("祝福|送给|场合|祝语")
SHIPPED = ("送祝福", "tianji-wishes", "天机", "腊八节", "生日快乐", "升职祝福")
"""What may be named on every page: the other recipes, the studio itself, and what its shipped walk wrote."""


def said(app: AppTest) -> list[str]:
    """Everything that the page says outside of the sidebar: texts, labels, help, placeholders, choices."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "text", "info", "success", "warning")
    texts = [str(element.value) for kind in kinds for element in app.main.get(kind)]
    for kind in (
        "button",
        "expander",
        "tab",
        "metric",
        "selectbox",
        "multiselect",
        "text_input",
        "text_area",
    ):
        for element in app.main.get(kind):
            proto = element.proto
            texts += [str(getattr(proto, field, "")) for field in ("label", "help", "placeholder")]
            texts += map(str, getattr(proto, "options", []))
    texts += [element.value.to_csv() for kind in ("dataframe", "table") for element in app.main.get(kind)]
    return texts


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: "-".join((page[0], *page[1].values())))
def test_no_page_of_apologies_speaks_of_blessings(
    workspace: Workspace, page: tuple[str, dict[str, str]]
) -> None:
    filled(workspace, apologies(), APOLOGIES)
    app = opened(page[0], **page[1])
    texts = [text for text in said(app) if not any(known in text for known in SHIPPED)]
    assert [text for text in texts if WISHES_ONLY.search(text)] == []
    assert page[0] in ("home", "train", "models", "jobs", "heatmap", "dataset", "generate") or any(
        word in text for text in texts for word in ("致歉", "客户称呼", "投诉事由", "口气")
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: "-".join((page[0], *page[1].values())))
def test_no_page_of_copy_for_goods_asks_for_a_receiver(
    workspace: Workspace, page: tuple[str, dict[str, str]]
) -> None:
    filled(workspace, copy_for_goods(), {("文案", *cell): text for cell, text in COPY.items()})
    app = opened(page[0], **page[1])
    texts = [text for text in said(app) if not any(known in text for known in SHIPPED)]
    assert [text for text in texts if WISHES_ONLY.search(text) or "称谓" in text] == []


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
