"""From what a server says is wrong to the kind of error: by its status, the codes of the providers, and their
wording."""

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
from tianji_core.teachers.faults import Endpoint, retry_after, timed_out, unknown_model

_FILTERED = (
    "content_filter",
    "content filter",
    "content exists risk",
    "data_inspection_failed",
    "datainspectionfailed",
    "contentfilter",
    "content_policy",
    "敏感",
)
"""What providers call a request that their content filter stopped (OpenAI, Azure, DeepSeek, DashScope,
Zhipu)."""
_FILTER_CODES = ("1301", "1026", "1027", "336104")
"""The same as numbers: Zhipu, MiniMax (input and output), Baidu."""
_NO_CREDIT = (
    "insufficient_quota",
    "insufficient balance",
    "insufficient_balance",
    "balance is insufficient",
    "arrearage",
    "overdue",
    "exceeded_current_quota",
    "billing_not_active",
    "billing_hard_limit",
    "freetieronly",
    "free tier only",
    "free tier of the model has been exhausted",
    "欠费",
    "余额不足",
    "余额已用完",
    "额度已用完",
    "使用上限",
)
"""What providers call an account without money or quota, whatever the status, where waiting would not
help."""
_NO_CREDIT_CODES = ("1113", "1308", "1309", "1310", "1008", "30001")
"""The same as numbers: Zhipu (no balance, the quota of hours or weeks used up), MiniMax, SiliconFlow."""
_REGION = (
    "unsupported_country",
    "country, region, or territory",
    "location is not supported",
    "not available in your region",
    "not available in your country",
)
_RATE_CODES = ("1302", "1303", "1305", "1002", "rate_limit_exceeded", "throttling", "limit_burst_rate")
_AUTH_CODES = ("invalid_api_key", "invalidapikey", "authentication_error", "1004")


def from_status(
    endpoint: Endpoint,
    status: int,
    complaint: Complaint,
    headers: Mapping[str, str],
    known_models: list[str] | None = None,
) -> TeacherError:
    """Returns the error for an HTTP status of 400 or more and what the body of the answer says."""
    said = endpoint.clean(complaint.said)
    words = f"{complaint.message} {' '.join(complaint.codes)}".lower()
    if status == 402 or _is(complaint, words, _NO_CREDIT, _NO_CREDIT_CODES):
        return TeacherAuthError(_("{title} 的账户余额或额度不足：{said}", title=endpoint.title, said=said))
    if any(mark in words for mark in _REGION):
        return TeacherAuthError(_("{title} 不对这个地区开放：{said}", title=endpoint.title, said=said))
    filtered = status < 500 and status not in (401, 404, 409, 425, 429)
    if status == 451 or (filtered and _is(complaint, words, _FILTERED, _FILTER_CODES)):
        return TeacherRefusalError(
            _("{title} 的内容审核拦下了这个请求：{said}", title=endpoint.title, said=said)
        )
    if status == 403 and complaint.page:
        return TeacherUnreachableError(
            _(
                "{title} 前面的防火墙或代理拦下了请求（HTTP 403）：{said}",
                title=endpoint.title,
                said=said,
            )
        )
    if status in (401, 403):
        return _no_access(endpoint, status, said)
    if status == 429:
        return TeacherRateLimitError(
            _(
                "{title} 限流了（HTTP 429），请降低并发或每分钟请求数：{said}",
                title=endpoint.title,
                said=said,
            ),
            retry_after(headers),
        )
    if status == 408:
        return timed_out(endpoint)
    if status == 404:
        return unknown_model(endpoint, said, known_models)
    if status >= 500 or status in (409, 425):
        return TeacherUnreachableError(
            _("{title} 的服务器出错（HTTP {status}）：{said}", title=endpoint.title, status=status, said=said)
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


def from_complaint(endpoint: Endpoint, complaint: Complaint) -> TeacherError:
    """Returns the error for a complaint that came with status 200, in place of an answer."""
    status = complaint.status
    if status is None:
        status = 500
        if any(code in _FILTER_CODES or code in _FILTERED for code in complaint.codes):
            status = 400
        elif any(code in _RATE_CODES for code in complaint.codes):
            status = 429
        elif any(code in _AUTH_CODES for code in complaint.codes):
            status = 401
    return from_status(endpoint, status, complaint, {})


def _is(complaint: Complaint, words: str, marks: tuple[str, ...], codes: tuple[str, ...]) -> bool:
    return any(code in codes for code in complaint.codes) or any(mark in words for mark in marks)


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
