"""``demo --explore``: makes the sample workspace once, and opens the studio on it."""

import os
from pathlib import Path

from tianji_core.errors import SettingsError
from tianji_core.i18n import _, set_language
from tianji_core.installing.state import TRAINING, has_training
from tianji_core.jobs.environment import DATABASE
from tianji_core.project import install_command
from tianji_core.verbs import system
from tianji_core.verbs.common import show
from tianji_core.verbs.sample_workspace import SampleSize, make_sample, open_sample, sample_home
from tianji_core.workspace import workspace_folder


def explore_sample(workspace: Path | None, samples: int | None, studio: bool, as_json: bool) -> None:
    """Makes the sample workspace where it is not made yet, says where it is, and with ``studio`` opens the
    studio on it; ``workspace`` is the person's own, which stays as it is.

    Raises:
        SettingsError: the training part is not installed. StudioError: a step failed.
    """
    if not has_training():
        raise SettingsError(
            _("走一遍样例要训练，这里没有装训练部分；先装上：{command}", command=install_command([*TRAINING]))
        )
    space = open_sample(sample_home(workspace_folder(workspace)))
    set_language(space.settings().language)
    size = SampleSize() if samples is None else SampleSize(samples=samples)
    make_sample(space, size, quiet=as_json)
    show({"workspace": space.home}, as_json, _("样例工作区在 {folder}；不要了就删掉它", folder=space.home))
    if studio and not as_json:
        space.engine.dispose()
        os.environ.pop(DATABASE, None)  # the person's database is another one
        system.studio(port=system.free_studio_port(), workspace=space.home)
