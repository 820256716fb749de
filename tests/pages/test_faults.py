"""What lies broken in the workspace, or stands wrong in the address, is a sentence on the page and never a
traceback."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tianji_core.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "pages").glob("*/page.py"))


def shown(script: str, **query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    for name, value in query.items():
        at.query_params[name] = value
    return at.switch_page(script).run()


def said(at: AppTest) -> str:
    assert not at.exception, at.exception
    return " ".join(element.value for element in at.error)


def break_settings(workspace: Workspace) -> str:
    (workspace.home / "settings.json").write_text('{"language": "zh",\n "recipe": }', encoding="utf-8")
    return "settings.json 坏了，请修好或删掉它：第 2 行第 12 列"


def break_database(workspace: Workspace) -> str:
    workspace.engine.dispose()
    for path in workspace.home.glob("studio.db*"):
        path.unlink()
    (workspace.home / "studio.db").write_bytes(b"not a database " * 100)
    return "file is not a database"


@pytest.mark.parametrize("script", PAGES)
def test_broken_settings_are_named_on_every_page(workspace, script):
    sentence = break_settings(workspace)
    assert sentence in said(shown(script))


@pytest.mark.parametrize("script", ["pages/home/page.py", "pages/jobs/page.py", "pages/review/page.py"])
def test_a_broken_database_is_named(workspace, script):
    sentence = break_database(workspace)
    assert sentence in said(shown(script))


def test_a_broken_list_of_providers_is_named_with_its_line(workspace):
    (workspace.home / "providers.yaml").write_text("mine:\n  title: [x\n", encoding="utf-8")
    for script in ("pages/generate/page.py", "pages/settings/page.py"):
        assert "providers.yaml 第 3 行" in said(shown(script))


def test_a_recipe_that_is_gone_can_be_changed_for_another(workspace):
    (workspace.home / "settings.json").write_text('{"recipe": "gone"}', encoding="utf-8")
    assert "没有配方“gone”" in said(shown("pages/lists/page.py"))
    assert said(shown("pages/settings/page.py")) == ""


@pytest.mark.parametrize("script", ["pages/generate/page.py", "pages/train/page.py", "pages/review/page.py"])
def test_a_number_in_the_address_that_leads_nowhere(workspace, script):
    for number in ("99999999999999999999", "²", "-1", "77"):
        said(shown(script, run=number, id=number, after=number))
