"""The config of one training: the preset's, with the settings that a person chose."""

from pathlib import Path

from tianji_core.dataset.versions import VALIDATION
from tianji_core.files import write_text
from tianji_core.store.training import TrainingRun
from tianji_core.training import engine
from tianji_core.training.learnt_pairs import QUESTIONS
from tianji_core.training.presets import Preset
from tianji_core.training.progress import work_folder
from tianji_core.training.settings import TrainingSettings
from tianji_core.workspace import Workspace


def rendered_config(
    chosen: Preset,
    settings: TrainingSettings,
    data_path: Path,
    runs_code: bool = False,
    frozen: Path | None = None,
) -> str:
    """The text of a config with these settings and this training file, and the validation file where there
    is one: beside ``frozen``, the file of the version, where ``data_path`` is a copy. A preset for pairs
    takes their file, and the questions beside it. ``runs_code`` says
    that loading the base may run Python code in its folder.

    Raises:
        TrainingError: the preset lacks a constant.
    """
    held = (
        data_path.with_name(QUESTIONS) if chosen.from_pairs else (frozen or data_path).with_name(VALIDATION)
    )
    held_path = held if held.is_file() else None
    return engine.render(chosen.source, settings, data_path, held_path, runs_code, chosen.device)


def written_config(workspace: Workspace, run: TrainingRun) -> str | None:
    """The config of a stored training, as it is now; None where its file is gone."""
    try:
        return (work_folder(workspace, run) / engine.CONFIG_NAME).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def write_config(
    chosen: Preset,
    settings: TrainingSettings,
    data_path: Path,
    work_dir: Path,
    runs_code: bool = False,
    frozen: Path | None = None,
) -> Path:
    """Write the config of a training into its work folder and return its path."""
    path = work_dir / engine.CONFIG_NAME
    write_text(path, rendered_config(chosen, settings, data_path, runs_code, frozen))
    return path


def write_base(work_dir: Path, base: Path) -> None:
    """Write the folder of the base into the config of a stored training where it names another one: the
    built-in base lies elsewhere after the program has moved. A missing config stays missing.

    Raises:
        TrainingError: the config cannot be read or names no base.
    """
    path = work_dir / engine.CONFIG_NAME
    if not path.is_file():
        return
    source = path.read_text(encoding="utf-8")
    moved = engine.with_base(source, base)
    if moved != source:
        write_text(path, moved)
