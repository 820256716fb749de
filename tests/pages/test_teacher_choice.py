"""A teacher is chosen once: every place inherits it, and a place where another one is picked keeps that."""

import pytest

from tests.pages.opening import opened
from tianji_core.store import samples
from tianji_core.store.samples import NewSample
from tianji_core.workspace import Workspace

WAYS: tuple[tuple[str, dict[str, str], str], ...] = (
    ("lists", {"list": "称谓"}, "suggest_names_provider"),
    ("lists", {"list": "场景"}, "suggest_scenes_provider"),
    ("generate", {}, "provider"),
    ("review", {"view": "批量"}, "judge_provider"),
    ("settings", {}, "default_provider"),
)


@pytest.fixture
def two_labs(workspace: Workspace) -> None:
    sample = NewSample(
        "wishes", "系统", "祝妹妹生日快乐", "妹妹，生日快乐，天天开心。", "妹妹", "生日", "正常"
    )
    samples.add(workspace.engine, sample)
    lab = "{key}:\n  title: {key}\n  sdk: openai\n  base_url: http://127.0.0.1:9/v1\n"
    lab += "  models: [{{name: m-{key}}}, {{name: another-model}}]\n"
    text = "".join(lab.format(key=key) for key in ("north", "south"))
    (workspace.home / "providers.yaml").write_text(text, encoding="utf-8")


def shown(place: str) -> str:
    page, address, key = next(way for way in WAYS if way[2] == place)
    return opened(page, **address).selectbox(key=key).value


def pick(place: str, provider: str) -> None:
    page, address, key = next(way for way in WAYS if way[2] == place)
    app = opened(page, **address)
    app.selectbox(key=key).select(provider).run()
    assert not app.exception and app.selectbox(key=key).value == provider


def test_the_first_pick_is_inherited_everywhere(workspace: Workspace, two_labs: None) -> None:
    pick("suggest_names_provider", "north")
    assert {way[2]: shown(way[2]) for way in WAYS} == dict.fromkeys((way[2] for way in WAYS), "north")
    app = opened("generate")
    assert app.selectbox(key="model_north").value == "m-north"


def test_a_place_keeps_its_own_pick_and_the_others_follow_the_default(
    workspace: Workspace, two_labs: None
) -> None:
    pick("default_provider", "north")
    pick("judge_provider", "south")
    pick("suggest_names_provider", "offline")
    assert [shown(place) for place in ("judge_provider", "suggest_names_provider")] == ["south", "offline"]
    assert [shown(place) for place in ("provider", "suggest_scenes_provider")] == ["north", "north"]
    pick("default_provider", "south")
    assert [shown(place) for place in ("provider", "suggest_scenes_provider")] == ["south", "south"]


def test_a_model_is_kept_with_its_teacher(workspace: Workspace, two_labs: None) -> None:
    pick("default_provider", "north")
    app = opened("settings")
    app.selectbox(key="default_model_north").select("another-model").run()
    pick("default_provider", "south")
    pick("default_provider", "north")
    assert opened("settings").selectbox(key="default_model_north").value == "another-model"
    assert opened("generate").selectbox(key="model_north").value == "another-model"
