"""What is taken of the files that another machine offers for a training."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.tiny_base import add_version
from tianji_core import training
from tianji_core.errors import PlaceError
from tianji_core.jobs import Reporter
from tianji_core.training.places import following
from tianji_core.training.places.adapters import FarState
from tianji_core.training.places.profile import checked_place
from tianji_core.training.places.sending import Elsewhere
from tianji_core.workspace import Workspace

LOG = "20260101_000000/20260101_000000.log"
OWN = ("config.py", "elsewhere.json", "last_checkpoint", "slurm.json", "bundle.tar", "pairs.json", "new.py")


class Offering:
    """A place that gives every file that it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def fetch(self, state: FarState, names: Sequence[str], target: Path) -> None:
        for name in names:
            self.asked.append(name)
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_text("x" * state.files[name], encoding="utf-8")

    def hashes(self, names: Sequence[str]) -> dict[str, str]:
        return {}


@pytest.fixture
def follower(workspace: Workspace) -> following.Follower:
    settings = training.default_settings("nano-cpu-qlora")
    run = training.prepare_training(
        workspace, "nano-cpu-qlora", settings, add_version(workspace), place="lab"
    )
    known = Elsewhere(place=checked_place({"name": "lab", "host": "h"}))
    made = following.Follower(workspace, run, known, Reporter())
    made._adapter = Offering()  # type: ignore[assignment]
    return made


def test_only_what_a_training_makes_is_taken(follower: following.Follower) -> None:
    """The config is code that this machine runs later, and the other files say what it trains."""
    before = {path.name: path.read_bytes() for path in follower._folder.iterdir() if path.is_file()}
    code = f"{LOG.split('/')[0]}/vis_data/config.py"
    offered = dict.fromkeys((*OWN, code, "iter_1.pth/run.py", LOG, "load.jsonl"), 22)
    assert follower._fetched(FarState(state="running", files=offered))
    assert follower._adapter.asked == [LOG, "load.jsonl"]  # type: ignore[attr-defined]
    after = {path.name: path.read_bytes() for path in follower._folder.iterdir() if path.is_file()}
    assert after == {**before, "load.jsonl": b"x" * 22}
    assert follower._fetched(FarState(state="running", files={LOG: 40}))
    assert (follower._folder / LOG).stat().st_size == 40


def test_a_file_of_this_machine_is_not_replaced(follower: following.Follower) -> None:
    own = follower._folder / "load.jsonl"
    own.write_text(json.dumps({"of": "here"}), encoding="utf-8")
    with pytest.raises(PlaceError, match="没有覆盖"):
        follower._fetched(FarState(state="running", files={"load.jsonl": 22, LOG: 3}))
    assert json.loads(own.read_text(encoding="utf-8")) == {"of": "here"}


def test_files_beyond_the_free_disk_are_not_asked_for(follower: following.Follower) -> None:
    far = FarState(state="running", files={LOG: 10**18, "load.jsonl": 10**18})
    with pytest.raises(PlaceError, match="磁盘放不下"):
        follower._fetched(far)
    assert follower._adapter.asked == []  # type: ignore[attr-defined]
