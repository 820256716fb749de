"""What pip's output means, as one sentence for a person."""

import re
from dataclasses import dataclass

from tianji_core.addresses import without_credentials
from tianji_core.errors import DiskFullError, InstallError, StudioError
from tianji_core.i18n import _
from tianji_core.installing.machine import free_memory, gigabytes

_CONNECTION = re.compile(
    r"NewConnectionError|Failed to establish|ConnectTimeout|ReadTimeout|Connection (?:refused|reset|broken)"
    r"|Name or service not known|Temporary failure in name resolution|Network is unreachable|timed out"
    r"|SSLError|CERTIFICATE_VERIFY|ProxyError|ConnectionError|IncompleteRead|ProtocolError"
    r"|HTTP error|\b50[0234] (?:Server|Service|Bad|Gateway)"
)


@dataclass(frozen=True)
class PipFault:
    """Why a run of pip failed. ``elsewhere`` says whether another address may succeed."""

    error: StudioError
    elsewhere: bool = False


def fault_of(output: str, code: int, place: str) -> PipFault:
    """Returns why pip ended with ``code`` after it wrote ``output``; ``place`` is the address it asked, ''
    for its own settings."""
    place = without_credentials(place) if place else _("pip 设置里的软件源")
    if code in (-9, 137) or "MemoryError" in output:
        return PipFault(
            InstallError(
                _(
                    "安装被系统结束了，多半是内存不够（现在空闲 {free}）；关掉别的程序再来一次，会接着装",
                    free=gigabytes(free_memory()),
                )
            )
        )
    if "[Errno 28]" in output or "No space left" in output or "[Errno 122]" in output:
        return PipFault(DiskFullError(_("磁盘满了；腾出空间后再来一次，会接着装")))
    if found := re.search(
        r"\[Errno (?:13|30|1)\] (?:Permission denied|Read-only file system|Operation not permitted)"
        r"(?:: '([^'\n]*)')?",
        output,
    ):
        return PipFault(no_rights(found[1] or ""))
    if "externally-managed-environment" in output:
        return PipFault(
            InstallError(
                _("这是系统自带的 Python，不让 pip 往里装；请先建一个虚拟环境：python3 -m venv 环境")
            )
        )
    if "DO NOT MATCH THE HASHES" in output:
        found = re.search(r"^ +(\S+?)(?:==\S+)? from ", output, re.M)
        name = found[1] if found else ""
        return PipFault(
            InstallError(
                _(
                    "{place} 给的 {name} 和锁定的校验值不一样，没有安装；换一个软件源再来一次",
                    place=place,
                    name=name,
                )
            ),
            elsewhere=True,
        )
    if _CONNECTION.search(output):
        sentence = _(
            "连不上 {place}；检查网络，或用 TIANJI_PIP_INDEXES 指定软件源，再来一次会接着装", place=place
        )
        return PipFault(InstallError(sentence), elsewhere=True)
    if found := re.search(r"No matching distribution found for ([^\s;]+)", output):
        sentence = _(
            "{place} 没有 {package}；用 TIANJI_PIP_INDEXES 换一个软件源再来一次",
            place=place,
            package=found[1],
        )
        return PipFault(InstallError(sentence), elsewhere=True)
    lines = [line for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    said = without_credentials((errors or lines or [str(code)])[-1].strip())[:300]
    return PipFault(InstallError(_("pip 没有装成：{detail}", detail=said)))


def no_rights(path: str) -> InstallError:
    """Returns the error for a folder that cannot be written; '' is that of the environment."""
    return InstallError(
        _("没有权限写 {path}；换一个您能写的文件夹，或用建它的那个用户来装", path=path or _("环境的文件夹"))
    )
