"""What follows the end of a job, on the settings and jobs pages."""

import sys
import time

import pytest

from pages.shared.desktop_notices import concerns
from tests.notices.receiver import receiver
from tests.pages.opening import opened, press
from tianji_core import jobs, notices
from tianji_core.access.visitors import Visitor
from tianji_core.files import write_json
from tianji_core.roles import Role
from tianji_core.workspace import Workspace

WEBHOOK, MAIL = (
    next(channel for channel in notices.CHANNELS if channel.key == key) for key in ("webhook", "mail")
)
ADDRESS = f"notice_{WEBHOOK.address}"


def test_a_webhook_is_set_up_tried_and_cleared(workspace: Workspace) -> None:
    with receiver() as robot:
        app = opened("settings")
        app.selectbox(key="notice_channel").select("webhook").run()
        press(app, "save_channel")
        assert "地址或授权码" in app.error[0].value
        app.text_input(key=ADDRESS).input(f"{robot.url}/hook/0123456789abcdef").run()
        press(app, "save_channel")
        assert workspace.key(WEBHOOK.address) == f"{robot.url}/hook/0123456789abcdef"
        assert app.text_input(key=ADDRESS).value == ""
        press(app, "notice_try_webhook")
        assert robot.received[0][1]["event"] == "trial"
        press(app, "notice_clear_webhook")
        assert not WEBHOOK.present(workspace)


def test_a_mailbox_that_is_none_changes_nothing(workspace: Workspace) -> None:
    app = opened("settings")
    app.selectbox(key="notice_channel").select("mail").run()
    app.text_input(key="notice_to").input("everybody").run()
    press(app, "save_mail")
    assert "收件邮箱" in app.error[0].value and app.text_input(key="notice_to").value == "everybody"
    assert notices.load_preferences(workspace) == notices.NoticePreferences()


def test_a_mail_code_that_cannot_be_kept_is_said_and_stays_in_its_field(workspace: Workspace) -> None:
    app = opened("settings")
    app.selectbox(key="notice_channel").select("mail").run()
    app.text_input(key="notice_host").input("smtp.example.com")
    for field in ("notice_user", "notice_to"):
        app.text_input(key=field).input("wang@example.com")
    app.text_input(key=f"notice_{MAIL.address}").input("two words")
    press(app, "save_mail")
    assert "不像密钥" in app.error[0].value and not app.toast
    assert app.text_input(key=f"notice_{MAIL.address}").value == "two words"
    assert not MAIL.present(workspace)


def test_what_follows_a_job_is_stored_as_soon_as_it_is_chosen(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WEBHOOK.address, "http://127.0.0.1:9/hook")
    monkeypatch.setenv("TIANJI_SWITCH_OFF_COMMAND", "true")
    job = jobs.start(workspace, "demo", "走一遍", [sys.executable, "-c", "import time; time.sleep(600)"])
    app = opened("jobs")
    app.checkbox(key=f"notify_{job.id}").check().run()
    assert notices.load_afterwards(workspace, job.id).notify
    app.checkbox(key=f"switch_off_{job.id}").check().run()
    assert notices.load_afterwards(workspace, job.id).switch_off
    notices.save_afterwards(workspace, job.id, notices.Afterwards(switch_off=True, notify=False))
    assert not app.run().checkbox(key=f"notify_{job.id}").value
    app.checkbox(key=f"switch_off_{job.id}").uncheck().run()
    assert notices.load_afterwards(workspace, job.id).notify is False
    assert not notices.load_afterwards(workspace, job.id).switch_off
    jobs.stop(workspace, job.id)
    jobs.wait(workspace, job.id, timeout=60)


def test_an_open_tab_hears_of_the_jobs_of_the_person_before_it() -> None:
    anna, link, gone = Visitor("Anna", Role.OWNER), Visitor("", Role.OWNER), Visitor("", Role.VIEWER)
    told = {starter: [concerns(starter, who) for who in (None, anna, link, gone)] for starter in ("Anna", "")}
    assert told == {"Anna": [True, True, False, False], "": [True, False, True, False]}
    assert not concerns("Bert", anna)


def test_a_command_that_cannot_be_read_leaves_only_the_switching_off_out(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIANJI_SWITCH_OFF_COMMAND", "sudo 'poweroff")
    job = jobs.start(workspace, "demo", "走一遍", [sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        form, list_of_jobs = opened("generate"), opened("jobs")
        for app, key in ((form, "generate_switch_off"), (list_of_jobs, f"switch_off_{job.id}")):
            box = app.checkbox(key=key)
            assert box.disabled and "引号不成对" in box.help and not app.error
        assert not form.button(key="start_run").disabled
    finally:
        jobs.stop(workspace, job.id)
        jobs.wait(workspace, job.id, timeout=60)


def test_every_page_shows_a_countdown_that_one_button_stops(workspace: Workspace) -> None:
    now = time.time()
    state = notices.SwitchOff(job=1, at=now + 90, begun=now, seen_at=now)
    write_json(workspace.logs / "switch-off.json", state.model_dump())
    app = opened("lists")
    assert "后关掉这台机器" in app.warning[0].value
    press(app, "keep_on")
    assert notices.switching_off(workspace) is None and not app.warning
