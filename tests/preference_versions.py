"""A frozen version of preference pairs and a merged model that learns from them, made without a training."""

import shutil
from pathlib import Path

from tests.tiny_base import SYSTEM, add_version
from tianji_core.comparison import preference_pairs
from tianji_core.dataset.pairs import PairVersion
from tianji_core.model_folders.manifest import Artefact, write_artefact
from tianji_core.store import training as rows
from tianji_core.store import votes
from tianji_core.store.votes import Vote
from tianji_core.training import default_settings
from tianji_core.workspace import Workspace


def add_pairs(workspace: Workspace, name: str = "口味", count: int = 40) -> PairVersion:
    """A version of somebody's votes, of which one in ten is held out."""
    add_votes(workspace, count)
    return preference_pairs.freeze_pairs(workspace, "wishes", name)


def add_votes(workspace: Workspace, count: int) -> None:
    """Somebody chooses answers without 愿, ``count`` times."""
    said = [
        Vote(
            "wishes",
            SYSTEM,
            f"祝{who}{what}，第{number}次",
            "新",
            "正常",
            f"{who}，祝您{what}快乐，身体健康，万事如意，第{number}次！",
            "旧",
            "正常",
            f"{who}，愿您{what}快乐，愿您天天开心，第{number}次！",
        )
        for number in range(count)
        for who, what in [(("大舅", "老师", "妹妹")[number % 3], ("生日", "中秋节")[number % 2])]
    ]
    votes.decide(workspace.engine, said, "我")


def add_merged(workspace: Workspace, base: Path, name: str = "学过的") -> Path:
    """A copy of a base that says it was trained here and merged."""
    folder = workspace.models / name
    shutil.copytree(base, folder)
    version = add_version(workspace)
    settings = default_settings("nano-cpu-lora").model_copy(update={"base": str(base)})
    run = rows.add(workspace.engine, "旧", "nano-cpu-lora", version.id, settings.model_dump(mode="json"))
    about = Artefact(
        name=name,
        kind="merged",
        title="学过的",
        path=folder,
        base=base,
        training_run_id=run.id,
        dataset_name=version.name,
    )
    write_artefact(folder, about, workspace.home)
    return folder
