"""Why a hub refused: the libraries' errors, those of requests and of the system, as one sentence each."""

import errno
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tianji_core.errors import PushError, StudioError
from tianji_core.gate import clean_sentence
from tianji_core.i18n import _
from tianji_core.push.target import HUB_TITLES, TOKENS, PushTarget

_QUOTA = re.compile(
    r"quota|storage (limit|space)|out of (space|storage)|insufficient storage|配额|空间不足", re.I
)
_UNREACHED = re.compile(r"Connection|Timeout|NetworkError|ProtocolError|SSLError|ChunkedEncoding|ProxyError")
_FULL = (402, 413, 507)
_NAMED = {
    "AlreadyExistsError": 409,
    "QuotaExceededError": 507,
    "AuthenticationError": 401,
    "PermissionDeniedError": 403,
}
"""ModelScope's errors, which say more than the status of the answer."""


@dataclass(frozen=True)
class HubFault:
    """What is known about a failure: the HTTP ``status``, None without an answer; ``retry_after`` in seconds
    where the hub asked for a wait; ``unreached`` where the connection failed; ``said`` by hub or library."""

    status: int | None
    retry_after: float | None
    unreached: bool
    said: str

    @property
    def full(self) -> bool:
        """Whether the account has no room left."""
        return self.status in _FULL or _QUOTA.search(self.said) is not None

    @property
    def passing(self) -> bool:
        """Whether the same may succeed later."""
        if self.full:
            return False
        return self.unreached or self.status == 429 or (self.status is not None and self.status >= 500)


def fault_of(error: BaseException) -> HubFault:
    """Returns what an error and its causes say."""
    status, wait, unreached = None, None, False
    said: list[str] = []
    for cause in _causes(error):
        response = getattr(cause, "response", None)
        status = status or getattr(cause, "status_code", None) or getattr(response, "status_code", None)
        headers = getattr(response, "headers", None) or {}
        wait = wait or _seconds(getattr(cause, "retry_after", None) or headers.get("Retry-After"))
        names = {kind.__name__ for kind in type(cause).__mro__}
        status = next((number for name, number in _NAMED.items() if name in names), status)
        unreached = unreached or any(_UNREACHED.search(name) for name in names)
        if "ServerError" in names and status is None:  # attempts inside the library ran out
            status = 503
        said.append(clean_sentence(cause, 300))
    return HubFault(status, wait, unreached and status is None, " ".join(said))


def explained(error: BaseException, target: PushTarget) -> StudioError:
    """Returns an error with one sentence on why a push failed."""
    for cause in _causes(error):
        if isinstance(cause, StudioError):
            return cause
        if type(cause).__name__ == "OfflineModeIsEnabled":
            return PushError(_("环境变量 HF_HUB_OFFLINE 关掉了联网，去掉它再推"))
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return StudioError(_("这台机器的磁盘满了；清理后再推会接着推"))
    fault = fault_of(error)
    words = {
        "hub": HUB_TITLES[target.hub],
        "place": target.endpoint,
        "repo": target.repo,
        "owner": target.repo.partition("/")[0],
        "variable": TOKENS[target.hub],
    }
    if fault.full:
        return PushError(_("“{owner}”在 {hub} 上的空间不够了，请在网站上腾出空间后再推（会接着推）", **words))
    if (sentence := _of_status(fault.status, words)) is not None:
        return sentence
    if fault.unreached:
        return StudioError(_("连不上 {place}，请检查网络后再推（已经传完的文件不会重传）", **words))
    detail = clean_sentence(error, 200)
    return StudioError(_("没有推到“{repo}”：{detail}", repo=target.repo, detail=detail))


def _of_status(status: int | None, words: dict[str, str]) -> StudioError | None:
    if status == 401:
        return PushError(_("{hub} 不认 {variable} 里的令牌，请检查它是否过期或抄错", **words))
    if status == 403:
        return PushError(
            _("这个令牌不能往“{owner}”下写，请换一个有写权限的令牌，或检查账号和组织的名字", **words)
        )
    if status == 404:
        return PushError(_("{hub} 上没有账号或组织“{owner}”，或者看不到“{repo}”；请检查名字", **words))
    if status == 409:
        return PushError(_("名字“{repo}”在 {hub} 上被占用了，请换一个名字", **words))
    if status == 429:
        return StudioError(_("{hub} 限流了（429），过一会儿再推（已经传完的文件不会重传）", **words))
    if status is not None and status >= 500:
        return StudioError(_("{hub} 那边出错了，过一会儿再推（已经传完的文件不会重传）", **words))
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        seen.append(cause)
        yield cause
        cause = cause.__cause__ or cause.__context__


def _seconds(value: object) -> float | None:
    try:
        seconds = float(str(value))
    except ValueError:
        return None
    return seconds if 0 < seconds < 86_400 else None
