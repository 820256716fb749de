"""From what a server says is wrong to the kind of error: by its status, and by what its codes and words
mean."""

import math
from collections.abc import Mapping

from tianji_core.errors import (
    TeacherAuthError,
    TeacherError,
    TeacherRateLimitError,
    TeacherRefusalError,
    TeacherRequestError,
    TeacherUnreachableError,
)
from tianji_core.gate import Complaint
from tianji_core.i18n import _
from tianji_core.teachers.faults import Endpoint, retry_after, seconds_in, timed_out, unknown_model
from tianji_core.teachers.kinds import Meaning, meaning_of

_FILTER_STATUSES = (401, 404, 409, 425, 429)
"""Statuses with which a word of a content filter says something else."""
_HOUR = 3600
"""Seconds of a wait that a sentence names from which on a quota is used up: going on makes no sense."""
_STATUS_OF: dict[Meaning, int] = {
    "credit": 402,
    "region": 403,
    "filtered": 400,
    "firewall": 403,
    "rate": 429,
    "key": 401,
    "access": 403,
    "model": 404,
    "long": 400,
    "request": 400,
}


def from_status(
    endpoint: Endpoint,
    status: int,
    complaint: Complaint,
    headers: Mapping[str, str],
    known_models: list[str] | None = None,
) -> TeacherError:
    """Returns the error for an HTTP status of 400 or more and what the body of the answer says."""
    said = endpoint.clean(complaint.said)
    meaning = _meaning(endpoint, status, complaint)
    if status == 402 or meaning == "credit":
        return TeacherAuthError(_("{title} 的账户余额或额度不足：{said}", title=endpoint.title, said=said))
    if meaning == "region":
        return TeacherAuthError(_("{title} 不对这个地区开放：{said}", title=endpoint.title, said=said))
    if status == 451 or (meaning == "filtered" and status < 500 and status not in _FILTER_STATUSES):
        return TeacherRefusalError(
            _("{title} 的内容审核拦下了这个请求：{said}", title=endpoint.title, said=said)
        )
    if status == 403 and meaning == "firewall":
        return TeacherUnreachableError(
            _(
                "{title} 前面的防火墙或代理拦下了请求（HTTP 403）：{said}",
                title=endpoint.title,
                said=said,
            )
        )
    if status == 429 or (meaning == "rate" and status != 401):
        return _limited(endpoint, status, said, headers)
    if meaning == "long" and status not in (401, 403, 404):
        return _too_long(endpoint, status, said)
    if status in (401, 403, 404) and meaning == "access":
        return _not_activated(endpoint, status, said)
    if status in (401, 403) or (status == 400 and meaning == "key"):
        return _no_access(endpoint, status, said)
    if status == 408:
        return timed_out(endpoint)
    if status == 404 or (meaning == "model" and known_models and endpoint.model not in known_models):
        return unknown_model(endpoint, said, known_models)
    if status == 413:
        return _too_large(endpoint, said)
    if (status >= 500 and meaning != "model") or status in (409, 425):
        return TeacherUnreachableError(
            _(
                "{title} 的服务器出错（HTTP {status}）：{said}",
                title=endpoint.title,
                status=status,
                said=said,
            ),
            retry_after(headers),
        )
    return TeacherRequestError(
        _(
            "{title} 不接受这个请求（HTTP {status}），请检查模型“{model}”和参数：{said}",
            title=endpoint.title,
            status=status,
            model=endpoint.model,
            said=said,
        )
    )


def _meaning(endpoint: Endpoint, status: int, complaint: Complaint) -> Meaning:
    """What a complaint means at this server: DashScope calls too many tokens a minute ``insufficient_quota``,
    with which OpenAI means an empty account."""
    if status == 429 and "dashscope" in endpoint.base_url and "insufficient_quota" in complaint.codes:
        return "rate"
    return meaning_of(complaint)


def from_complaint(endpoint: Endpoint, complaint: Complaint) -> TeacherError:
    """Returns the error for a complaint that came with status 200, in place of an answer."""
    status = complaint.status or _STATUS_OF.get(meaning_of(complaint), 500)
    return from_status(endpoint, status, complaint, {})


def _too_large(endpoint: Endpoint, said: str) -> TeacherRequestError:
    return TeacherRequestError(
        _("{title} 说这个请求太大（HTTP 413），请拆小再发：{said}", title=endpoint.title, said=said)
    )


def _limited(endpoint: Endpoint, status: int, said: str, headers: Mapping[str, str]) -> TeacherError:
    wait = seconds_in(said)
    if wait is not None and wait >= _HOUR:
        return TeacherAuthError(
            _(
                "{title} 的额度用完了，要等 {hours:.0f} 小时才恢复：{said}",
                title=endpoint.title,
                hours=math.ceil(wait / _HOUR),
                said=said,
            )
        )
    return TeacherRateLimitError(
        _(
            "{title} 限流了（HTTP {status}），请降低并发或每分钟请求数：{said}",
            title=endpoint.title,
            status=status,
            said=said,
        ),
        retry_after(headers) or wait,
    )


def _not_activated(endpoint: Endpoint, status: int, said: str) -> TeacherAuthError:
    return TeacherAuthError(
        _(
            "{title} 说这个账户不能用模型“{model}”（HTTP {status}）：请到它的控制台开通模型、完成实名或授权。{said}",
            title=endpoint.title,
            model=endpoint.model,
            status=status,
            said=said,
        )
    )


def _too_long(endpoint: Endpoint, status: int, said: str) -> TeacherRequestError:
    return TeacherRequestError(
        _(
            "{title} 说请求太长，模型“{model}”的上下文放不下（HTTP {status}）：请缩短提示词、例子或文档的分段，调小 max_tokens，或让服务用更大的上下文。{said}",
            title=endpoint.title,
            model=endpoint.model,
            status=status,
            said=said,
        )
    )


def _no_access(endpoint: Endpoint, status: int, said: str) -> TeacherAuthError:
    if endpoint.key_variable is None:
        return TeacherAuthError(
            _(
                "{title} 要求密钥（HTTP {status}），请改选“其他 OpenAI 兼容接口”：{said}",
                title=endpoint.title,
                status=status,
                said=said,
            )
        )
    if status == 403:
        return TeacherAuthError(
            _(
                "{title} 不接受这个密钥，或它无权用模型“{model}”（HTTP 403）：请检查环境变量 {variable} 和账户的权限。{said}",
                title=endpoint.title,
                model=endpoint.model,
                variable=endpoint.key_variable,
                said=said,
            )
        )
    return TeacherAuthError(
        _(
            "{title} 不接受这个密钥（HTTP {status}）：请检查环境变量 {variable}，或在设置页重新填写。{said}",
            title=endpoint.title,
            status=status,
            variable=endpoint.key_variable,
            said=said,
        )
    )
