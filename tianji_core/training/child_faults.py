"""Why a child failed, from the end of its output: what every child has in common, and the cause for one
that is not a training (a conversion, a merge, a trial)."""

import re
import signal
from collections.abc import Iterable

from tianji_core.i18n import _, filled

CARD_MEMORY = r"CUDA out of memory|torch\.OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED"
MEMORY = r"DefaultCPUAllocator: (?:can't|not enough)|MemoryError|Cannot allocate memory"
DISK = (
    r"No space left on device|Disk quota exceeded|File too large|PytorchStreamWriter failed|"
    r"inline_container\.cc.*unexpected pos"
)
_OWN = re.compile(r"^(?:\[rank\d+\]:\s*)?tianji_core\.errors\.\w+: (.+)$", re.MULTILINE)


def own_sentence(tail: str) -> str:
    """The sentence of the error of the studio that ended a child, '' where it ended otherwise. A child
    speaks the language of its parent."""
    found = _OWN.findall(tail)
    return found[-1].strip() if found else ""


def error_output(tail: str) -> str:
    """The output from the first traceback on: warnings before it name packages and files that are merely
    optional."""
    return tail[max(0, tail.find("Traceback (most recent call last)")) :]


def last_error_line(tail: str) -> str:
    """The last line of the last traceback, or the last line of all."""
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"^[\w.]*(Error|Exception|Interrupt)\b", line)]
    return (errors or lines or [_("没有任何输出")])[-1][:300]


def tool_cause(tail: str, code: int) -> str:
    """The likely cause, from the end of a tool's output and its exit code (negative: a signal)."""
    if own := own_sentence(tail):
        return own
    if named := named_cause(_causes(), error_output(tail)):
        return named
    if code == -signal.SIGKILL:
        return _("进程被强行结束（SIGKILL），多半是内存不够；请关掉别的程序再试，或换小一号的模型")
    if code < 0:
        return _("进程被信号 {name} 结束", name=signal.Signals(-code).name)
    return _("程序出错退出（{code}）：{line}", code=code, line=last_error_line(tail))


def named_cause(causes: Iterable[tuple[str, str]], errors: str) -> str:
    """The sentence of the first pattern that is found, with its groups filled in; '' where none is."""
    for pattern, sentence in causes:
        if match := re.search(pattern, errors):
            return filled(sentence, **match.groupdict(""))
    return ""


def shared_causes(no_card: str) -> list[tuple[str, str]]:
    """The causes that every child names alike; ``no_card`` says what to do without a card."""
    return [
        (
            r"SafetensorError|UnpicklingError|PytorchStreamReader|Error while deserializing header",
            _("模型权重文件损坏或不完整；请重新下载基座模型"),
        ),
        (
            r"does not appear to have a file named|Error no file named|Can't load tokenizer|Repo id must be|"
            r"not a local folder and is not a valid model|couldn't connect to|We couldn't connect",
            _("基座模型文件夹缺文件或不存在；请检查路径或重新下载"),
        ),
        (r"Torch not compiled with CUDA|No CUDA GPUs are available|found no NVIDIA driver", no_card),
        (
            r"No module named '?(?P<package>[\w.]+)",
            _("缺少 Python 包 {package}；运行 python -m tianji_core doctor 看怎么补齐"),
        ),
    ]


def _causes() -> list[tuple[str, str]]:
    return [
        (CARD_MEMORY, _("显存不够；请关掉别的程序，改在 CPU 上做，或换小一号的模型")),
        (MEMORY, _("内存不够；请关掉别的程序再试，或换小一号的模型")),
        (DISK, _("磁盘满了；请清理空间再试")),
        *shared_causes(_("没有找到可用的显卡；请改在 CPU 上做")),
    ]
