"""Whether xtuner can work here: the packages it needs, where its tools lie, and what its failures mean."""

import importlib.util
from pathlib import Path

from tianji_core.errors import TrainingError
from tianji_core.i18n import _
from tianji_core.project import install_command

DISTRIBUTION = "xtuner"
"""The package whose version is the engine's."""
PACKAGES = ("mmengine", "xtuner")
"""The packages that only this engine needs, in the order in which they are imported."""


def xtuner_tool(name: str) -> Path:
    """The path of a script under ``xtuner/tools``, found without importing xtuner.

    Raises:
        TrainingError: xtuner is not installed.
    """
    spec = importlib.util.find_spec("xtuner")
    for location in (spec.submodule_search_locations or []) if spec else []:
        path = Path(location) / "tools" / name
        if path.exists():
            return path
    raise TrainingError(_("没有装 xtuner，用这个命令补齐：{command}", command=install_command(["xtuner"])))


def causes() -> list[tuple[str, str]]:
    """(pattern, sentence) of the errors that are this engine's own: what its output says, and what it
    means."""
    return [
        (
            r"end should be larger than begin",
            _("样本太少：打包后的步数不够做预热；请把预热占比设为 0，或用更大的数据集"),
        ),
        (r"KeyError: 'conversation'", _("训练文件读不懂；请重新冻结数据集版本")),
    ]
