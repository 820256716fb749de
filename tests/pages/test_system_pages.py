"""总览, 任务 and 设置."""

import os
import shutil
import stat
import sys
from datetime import datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared.clock import local_time
from tests.preference_versions import add_merged
from tests.tiny_base import add_version, write_tiny_base
from tianji_core import jobs
from tianji_core.release import version
from tianji_core.verbs.demo_report import BeforeAfter, DemoReport, PassRate, StepResult, write_report
from tianji_core.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


def start() -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not at.exception
    return at


def open_page(path: str) -> AppTest:
    at = start().switch_page(path).run()
    assert not at.exception
    return at


def save(at: AppTest) -> None:
    next(b for b in at.button if b.label == "保存" and "key_save" not in str(b.key)).click().run()


def words(at: AppTest) -> str:
    return " ".join(element.value for element in [*at.markdown, *at.caption, *at.text, *at.info, *at.warning])


def test_home_of_a_new_workspace_offers_the_walk_and_names_the_next_step(workspace: Workspace) -> None:
    at = start()
    assert at.button(key="start_demo").label == "走一遍"
    assert "0 条样本" in words(at)
    assert "下一步：选风格和造数模型" in words(at)


def test_home_shows_what_the_walk_found(workspace: Workspace) -> None:
    step = StepResult(title="训练", made="354 步", path="/w/iter_354.pth", seconds=200)
    pair = BeforeAfter(style="小红书", request="祝姐姐生日", before="今天天气", after="生日快乐呀~")
    rate = PassRate(style="小红书", count=40, before=0.1, after=0.975, low=0.87, high=0.99)
    write_report(workspace, DemoReport(complete=True, steps=(step,), answers=(pair,), rates=(rate,)))
    at = start()
    assert {"今天天气", "生日快乐呀~"} <= {element.value for element in at.text}
    assert any("iter_354.pth" in block.value for block in at.code)


def test_home_leads_to_the_model_that_a_report_of_an_older_version_names_by_its_folder(
    workspace: Workspace, tmp_path: Path
) -> None:
    folder = add_merged(workspace, write_tiny_base(tmp_path / "nano-base"))
    made = StepResult(title="合并", made="合并模型", path=str(folder))
    recipe = workspace.settings().recipe
    write_report(workspace, DemoReport(complete=True, recipe=recipe, steps=(made,)))
    assert start().button(key="chat_with_demo").proto.type == "primary"
    shutil.rmtree(folder)
    keys = [button.key for button in start().button]
    assert "chat_with_demo" not in keys
    assert {"compare_demo", "open_demo", "remove_demo"} <= set(keys), "what else was made is still there"


def test_jobs_page_shows_state_log_and_reason(workspace: Workspace) -> None:
    at = open_page("pages/jobs/page.py")
    assert "还没有任务" in words(at)
    job = jobs.start(
        workspace, "demo", "试", [sys.executable, "-c", "print('输出'); raise SystemExit('磁盘满了')"]
    )
    jobs.wait(workspace, job.id, timeout=60)
    at = open_page("pages/jobs/page.py")
    assert "磁盘满了" in words(at)
    (row,) = at.expander
    assert f"{job.id} · 走一遍 · 试** " in row.label and "秒" in row.label
    assert any("输出" in block.value for block in at.code)


def test_stopping_from_the_jobs_page(workspace: Workspace) -> None:
    job = jobs.start(workspace, "demo", "长", [sys.executable, "-c", "import time; time.sleep(600)"])
    at = open_page("pages/jobs/page.py")
    at.button(key=f"stop_{job.id}").click().run()
    assert jobs.wait(workspace, job.id, timeout=60).state == "stopped"


def test_a_saved_key_is_masked_private_and_removable(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page("pages/settings/page.py")
    at.text_input(key="key_0").set_value("sk-very-secret-1234").run()
    at.button(key="key_save_0").click().run()
    assert not at.exception
    assert workspace.key("DEEPSEEK_API_KEY") == "sk-very-secret-1234"
    assert stat.S_IMODE(workspace.env_file.stat().st_mode) == 0o600
    shown = words(at) + " ".join(str(field.value) for field in at.text_input)
    assert "very-secret" not in shown
    assert "••••1234" in shown
    at.button(key="key_clear_0").click().run()
    assert workspace.key("DEEPSEEK_API_KEY") is None


def test_a_key_for_this_server_only_is_not_written(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "")
    at = open_page("pages/settings/page.py")
    at.text_input(key="key_0").set_value("sk-for-now").run()
    at.button(key="key_once_0").click().run()
    assert os.environ["DEEPSEEK_API_KEY"] == "sk-for-now"
    assert not workspace.env_file.exists()


def test_the_language_switches_at_once(workspace: Workspace) -> None:
    at = open_page("pages/settings/page.py")
    at.selectbox(key="language").set_value("en")
    save(at)
    assert workspace.settings().language == "en"
    assert [toast.value for toast in at.toast] == ["Settings saved"]
    assert at.selectbox(key="zone_en").options[0] == "As in the browser"


def test_the_lists_are_counted_in_the_plural(workspace: Workspace) -> None:
    workspace.save_settings(workspace.settings().model_copy(update={"language": "en"}))
    at = open_page("pages/home/page.py")
    assert any("28 Names · 18 Scenes" in each.value for each in at.markdown)


def test_times_are_shown_in_the_zone_that_is_chosen(workspace: Workspace) -> None:
    at = open_page("pages/settings/page.py")
    at.selectbox(key="zone_zh").set_value("America/New_York")
    save(at)
    assert workspace.settings().zone == "America/New_York"
    assert at.caption[-1].value.endswith(version())
    assert local_time(datetime(2026, 1, 31, 23, 30)) == "01-31 18:30"


def test_a_mirror_is_kept_and_a_wrong_one_is_refused(workspace: Workspace) -> None:
    at = open_page("pages/settings/page.py")
    at.text_input(key="model_mirror").set_value("mirror.example")
    save(at)
    assert "mirror.example" in at.error[0].value and workspace.settings().model_mirror == ""
    at.text_input(key="model_mirror").set_value("https://mirror.example")
    save(at)
    assert not at.error and workspace.settings().model_mirror == "https://mirror.example"


def test_a_broken_workspace_is_one_sentence_and_no_traceback(workspace: Workspace) -> None:
    (workspace.home / "settings.json").write_text("{", encoding="utf-8")
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not at.exception
    assert "settings.json" in " ".join(element.value for element in at.error)


def test_the_sidebar_switches_the_recipe_of_every_page(workspace: Workspace) -> None:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    at.sidebar.selectbox(key="recipe_switch").set_value("toasts").run()
    assert workspace.settings().recipe == "toasts"
    for path in sorted((ROOT / "pages").glob("*/page.py")):
        page = str(path.relative_to(ROOT))
        at = at.switch_page(page).run()
        assert not at.exception and not at.error, page
        assert at.sidebar.selectbox(key="recipe_switch").value == "toasts"
    at = at.switch_page("pages/generate/page.py").run()
    assert "得体" in at.button_group(key="styles").value
    at.sidebar.selectbox(key="recipe_switch").set_value("wishes").run()
    assert not at.exception
    assert "正常" in at.button_group(key="styles").value


def test_home_says_what_was_made_since_the_last_visit(workspace: Workspace) -> None:
    start()
    assert "上次来" not in words(start())
    add_version(workspace, count=3)
    at = start()
    assert "数据集 +1" in words(at)
    at.run()
    assert "数据集 +1" in words(at)  # a visit lasts as long as the tab
    assert "上次来" not in words(start())
