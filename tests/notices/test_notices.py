"""A notice arrives at every kind of robot as its documentation wants it, and no secret leaves by an error."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.notices.receiver import Receiver, receiver
from tianji_core import jobs, notices
from tianji_core.errors import NoticeError, SettingsError
from tianji_core.notices import Afterwards, Channel, NoticePreferences
from tianji_core.notices.afterwards import will_tell
from tianji_core.notices.robots import send_by_robot
from tianji_core.store import jobs as rows
from tianji_core.workspace import Workspace

BY_KEY = {channel.key: channel for channel in notices.CHANNELS}
TOKEN = "5f0e9c77aa1b42d8"


@pytest.fixture
def robot() -> Iterator[Receiver]:
    with receiver() as server:
        yield server


@pytest.fixture
def ended(workspace: Workspace) -> jobs.Job:
    """A training of two hours that failed."""
    job = rows.add(workspace.engine, "train", "训练 v3", [], {}, {})
    end = datetime.now(UTC)
    values = {"state": "failed", "exit_code": 1, "note": "显存不够", "ended_at": end}
    rows.change(workspace.engine, job.id, started_at=end - timedelta(hours=2), **values)
    return rows.get(workspace.engine, job.id)


def set_up(workspace: Workspace, robot: Receiver, key: str, sign: str = "") -> Channel:
    channel = BY_KEY[key]
    workspace.save_key(channel.address, f"{robot.url}/hook?access_token={TOKEN}")
    if sign:
        workspace.save_key(channel.sign, sign)
    return channel


def test_dingtalk_gets_a_text_and_its_signature_in_the_address(
    workspace: Workspace, robot: Receiver, ended: jobs.Job
) -> None:
    robot.answer = {"errcode": 0, "errmsg": "ok"}
    channel = set_up(workspace, robot, "dingtalk", "SECdeadbeef")
    notices.send(workspace, channel, notices.notice_of(ended, "2 小时"))
    path, body = robot.received[0]
    query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
    assert query["access_token"] == TOKEN and abs(int(query["timestamp"]) / 1000 - time.time()) < 60
    wanted = hmac.new(b"SECdeadbeef", f"{query['timestamp']}\nSECdeadbeef".encode(), hashlib.sha256).digest()
    assert base64.b64decode(query["sign"]) == wanted
    assert body["msgtype"] == "text"
    assert (
        body["text"]["content"].startswith("天机工坊 · 训练 v3 · 失败\n")
        and "显存不够" in body["text"]["content"]
    )


def test_feishu_gets_its_signature_in_the_body(workspace: Workspace, robot: Receiver) -> None:
    robot.answer = {"code": 0, "msg": "success", "data": {}}
    channel = set_up(workspace, robot, "feishu", "topsecret99")
    notices.send(workspace, channel, notices.trial_notice())
    body = robot.received[0][1]
    key = f"{body['timestamp']}\ntopsecret99".encode()
    assert base64.b64decode(body["sign"]) == hmac.new(key, b"", hashlib.sha256).digest()
    assert (body["msg_type"], "试发" in body["content"]["text"]) == ("text", True)


def test_wecom_and_a_webhook_get_their_forms(workspace: Workspace, robot: Receiver, ended: jobs.Job) -> None:
    robot.answer = {"errcode": 0, "errmsg": "ok"}
    for key in ("wecom", "webhook"):
        notices.send(workspace, set_up(workspace, robot, key), notices.notice_of(ended, "2 小时"))
    (_path, text), (_path_too, facts) = robot.received
    assert text["msgtype"] == "text" and "训练 v3" in text["text"]["content"]
    assert (facts["event"], facts["job"]["state"], facts["job"]["seconds"]) == ("job_ended", "failed", 7200.0)


@pytest.mark.parametrize(
    ("key", "status", "answer", "said"),
    [
        (
            "dingtalk",
            200,
            {"errcode": 310000, "errmsg": "keywords not in content"},
            "keywords not in content",
        ),
        ("feishu", 200, {"code": 19021, "msg": "sign match fail"}, "sign match fail"),
        ("wecom", 200, {"errcode": 93000, "errmsg": "invalid webhook url"}, "invalid webhook url"),
        ("webhook", 500, {"error": "broken"}, "broken"),
        ("webhook", 302, {}, "127.0.0.1"),
        ("webhook", 200, "x" * 70_000_000, "读不懂"),
    ],
)
def test_what_a_robot_refuses_is_said_without_its_address(
    workspace: Workspace, robot: Receiver, key: str, status: int, answer: object, said: str
) -> None:
    robot.status, robot.answer = status, answer
    channel = set_up(workspace, robot, key)
    with pytest.raises(NoticeError) as caught:
        notices.send(workspace, channel, notices.trial_notice())
    assert said in str(caught.value) and TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "oapi.dingtalk.com/robot",
        "ftp://x/y",
        "https://",
        "https://oapi.dingtalk.com/",
        "http://[::1",
        "http://h:0/x",
        "http://h:99999/",
    ],
)
def test_an_address_that_is_none_is_one_sentence(address: str) -> None:
    with pytest.raises(NoticeError):
        send_by_robot(BY_KEY["wecom"], address, "", notices.trial_notice())


def test_what_fails_is_tried_again_and_the_others_are_told(workspace: Workspace, robot: Receiver) -> None:
    dead = BY_KEY["feishu"]
    workspace.save_key(dead.address, "http://127.0.0.1:9/hook")
    set_up(workspace, robot, "webhook")
    robot.failures = 1
    outcome = notices.send_to_all(workspace, notices.trial_notice(), pauses=(0.0, 0.0))
    assert outcome[BY_KEY["webhook"]] == "" and len(robot.received) == 2
    assert "127.0.0.1" in outcome[dead]


@pytest.mark.parametrize(
    ("key", "status", "limit"),
    [
        ("dingtalk", 200, {"status": 1111, "wait": 5, "errcode": 130101, "errmsg": "send too fast"}),
        ("feishu", 200, {"code": 11232, "msg": "frequency limited", "data": {}}),
        ("wecom", 200, {"errcode": 45009, "errmsg": "api freq out of limit"}),
        ("webhook", 429, {"error": "slow down"}),
    ],
)
def test_a_robot_that_takes_no_more_is_tried_once_more_and_late(
    workspace: Workspace, robot: Receiver, key: str, status: int, limit: dict[str, object]
) -> None:
    """Their limits come with status 200; each attempt counts towards them."""
    robot.status, robot.answer, robot.answers = status, {"errcode": 0, "code": 0}, [limit]
    channel = set_up(workspace, robot, key)
    outcome = notices.send_to_all(workspace, notices.trial_notice(), pauses=())
    assert "限流了" in outcome[channel] and TOKEN not in outcome[channel] and len(robot.received) == 1
    robot.answers = [limit]
    outcome = notices.send_to_all(workspace, notices.trial_notice(), pauses=(0.0, 0.0), limited=0.0)
    assert len(robot.received) == 3 and (outcome[channel] == "") == (status == 200)


def test_a_short_job_is_told_of_only_where_a_person_wants_it(workspace: Workspace, ended: jobs.Job) -> None:
    assert not will_tell(workspace, ended, Afterwards())
    workspace.save_key(BY_KEY["webhook"].address, "http://127.0.0.1:9/hook")
    assert will_tell(workspace, ended, Afterwards()) and not will_tell(
        workspace, ended, Afterwards(notify=False)
    )
    notices.save_preferences(workspace, NoticePreferences(minutes=121))
    assert not will_tell(workspace, ended, Afterwards()) and will_tell(
        workspace, ended, Afterwards(notify=True)
    )


@pytest.mark.parametrize("mailbox", ["me", "@x.cn", "a@b, c@d", "a b@c.cn", "a@b.cn\nBcc: d@e.cn", "王@b.cn"])
def test_a_mailbox_that_is_none_is_refused(mailbox: str) -> None:
    with pytest.raises(SettingsError, match="收件邮箱"):
        notices.changed_preferences(5, "smtp.example.com", 465, "me@example.com", mailbox)


def test_a_broken_file_of_preferences_is_named(workspace: Workspace) -> None:
    path = workspace.home / "notices.json"
    for text in ("{", "[]", '{"port": 0}', '{"to": "x"}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(SettingsError, match=r"notices\.json"):
            notices.load_preferences(workspace)


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_notice_is_one_title_line_whatever_the_job_is_called(title: str, note: str) -> None:
    job = rows.Job(
        1, "train", title, [], {}, {}, "failed", False, None, None, None, None, 1, note,
        datetime.now(UTC), None, None,
    )  # fmt: skip
    told = notices.notice_of(job, "1 秒")
    assert len(told.title.splitlines()) == 1 and len(told.text.splitlines()) <= 3
    assert len(told.text.encode()) <= 2048  # WeCom takes no more
    json.dumps(told.facts)
