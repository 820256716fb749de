"""The programs to which a training also writes its curves, where a person asks for one."""

from importlib.util import find_spec

from tianji_core.i18n import _
from tianji_core.training.check import STOP, Check
from tianji_core.training.settings import TrainingSettings

TITLES = {"tensorboard": "TensorBoard", "swanlab": "SwanLab"}
"""The value of the setting, which is also the package's name → the program's name."""


def curves_check(settings: TrainingSettings) -> list[Check]:
    """That the package of the program is installed; [] where none was asked for or it is."""
    if not settings.curves or find_spec(settings.curves) is not None:
        return []
    detail = _(
        "没有安装 {name}；请先运行 pip install {package}，或者不把曲线写给它",
        name=TITLES[settings.curves],
        package=settings.curves,
    )
    return [Check(STOP, _("曲线"), detail)]
