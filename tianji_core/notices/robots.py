"""Notices over HTTP: a webhook and the group robots of DingTalk, Feishu and WeCom, by their documentation."""

import base64
import contextlib
import hashlib
import hmac
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from tianji_core.errors import GateError, NoticeError, RobotLimitError
from tianji_core.gate import bounded_client, decoded, read_complaint, read_json
from tianji_core.i18n import _
from tianji_core.notices.channels import Channel
from tianji_core.notices.notice import Notice
from tianji_core.roles import check_may_write

if TYPE_CHECKING:
    import httpx

SECONDS = 15.0
"""Longest time for one request."""
LIMITS = {"dingtalk": (130101, 410100), "feishu": (11232,), "wecom": (45009,)}
"""The codes by which robots say that they were sent too many messages, by the keys of their channels."""


def send_by_robot(channel: Channel, address: str, sign: str, notice: Notice) -> None:
    """Sends a message to the secret ``address`` of a channel, signed with ``sign`` where that is not ''.

    Raises:
        NoticeError: the address is none, cannot be reached, or refuses the message. It names the host only:
            the rest of the address is secret. RobotLimitError: it takes no more messages for a while.
    """
    import httpx  # a tenth of a second, and every process that starts a job loads this module

    host = host_of(address)
    query, body = _request(channel, sign, notice)
    url = address + ("&" if "?" in address else "?") + urlencode(query) if query else address
    try:
        check_may_write()
        client = bounded_client(httpx)(timeout=SECONDS)
        client.seconds = SECONDS
        with client:
            answer = client.post(url, json=body)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoticeError(
            _("{channel}的地址（{host}）连不上，请检查地址和网络", channel=channel.title, host=host)
        ) from error
    except GateError as error:
        raise NoticeError(
            _(
                "{channel}的地址（{host}）回的东西读不懂：{detail}",
                channel=channel.title,
                host=host,
                detail=error,
            )
        ) from error
    codes, refused = _refusal(channel, answer)
    if answer.status_code == 429 or any(code in LIMITS.get(channel.key, ()) for code in codes):
        raise RobotLimitError(
            _(
                "{channel}（{host}）限流了，过一会儿才收消息：{detail}",
                channel=channel.title,
                host=host,
                detail=refused,
            )
        )
    if refused:
        raise NoticeError(
            _("{channel}（{host}）没有收下消息：{detail}", channel=channel.title, host=host, detail=refused)
        )


def host_of(address: str) -> str:
    """Returns the host of the secret address of a webhook or a robot.

    Raises:
        NoticeError: it is no http or https address.
    """
    try:
        parts = urlsplit(address)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and parts.path.strip("/"):
            return parts.hostname
    except ValueError:
        pass
    raise NoticeError(_("机器人的地址应当以 https:// 开头，请从群机器人的设置里整个复制过来"))


def _request(channel: Channel, sign: str, notice: Notice) -> tuple[dict[str, str], dict[str, Any]]:
    """The further query of the address, and the body.

    DingTalk wants milliseconds and the signature in the address, Feishu seconds and both in the body, with
    time and secret as the key of an empty message.
    """
    now = time.time()
    if channel.key == "dingtalk":
        body: dict[str, Any] = {"msgtype": "text", "text": {"content": notice.text}}
        stamp = str(int(now * 1000))
        signature = _signature(sign, f"{stamp}\n{sign}")
        return ({"timestamp": stamp, "sign": signature} if sign else {}), body
    if channel.key == "feishu":
        stamp = str(int(now))
        signed = {"timestamp": stamp, "sign": _signature(f"{stamp}\n{sign}", "")} if sign else {}
        return {}, {**signed, "msg_type": "text", "content": {"text": notice.text}}
    if channel.key == "wecom":
        return {}, {"msgtype": "text", "text": {"content": notice.text}}
    return {}, {**notice.facts, "title": notice.title, "text": notice.text}


def _signature(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def _refusal(channel: Channel, answer: "httpx.Response") -> tuple[list[Any], str]:
    """The codes with which a message was refused, and why, '' where it was taken: robots answer 200 and put
    the reason into the body. What a webhook puts there is its own affair."""
    kind = answer.headers.get("content-type", "")
    codes: list[Any] = []
    if channel.key != "webhook":
        with contextlib.suppress(GateError):
            value = read_json(decoded(answer.content, kind))
            named = value if isinstance(value, dict) else {}
            codes = [named[name] for name in ("errcode", "code", "StatusCode") if name in named]
    refused = [code for code in codes if code not in (0, "0", 200)]
    if answer.is_success and not refused:
        return [], ""
    said = read_complaint(answer.content, kind).message
    return refused, said or (str(refused[0])[:40] if refused else f"HTTP {answer.status_code}")
