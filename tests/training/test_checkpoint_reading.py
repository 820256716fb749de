"""Checkpoints of machines that nobody here knows: what they name is not run."""

import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging.history_buffer import HistoryBuffer

from tianji_core.errors import ModelError
from tianji_core.training import engine
from tianji_core.training.xtuner_engine.checkpoint_reading import read_checkpoint, read_every_checkpoint_so

WEIGHTS = {"llm.a.lora_A.weight": torch.ones(2, 3), "llm.b": torch.zeros(4, dtype=torch.bfloat16)}


class Runs:
    """An object whose pickle calls a function."""

    def __init__(self, act: Callable[..., object], *values: object) -> None:
        self._made = act, values

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self._made


def test_a_checkpoint_runs_nothing_that_it_names(tmp_path: Path) -> None:
    """Neither directly nor by attributes of what is known."""
    ran = tmp_path / "ran"
    command = f"touch {ran}"
    path = tmp_path / "iter_1.pth"
    inner = Runs(getattr, torch._utils._rebuild_tensor_v2, "__globals__")
    for hostile in (Runs(os.system, command), Runs(eval, f"open({str(ran)!r}, 'w')"), inner):
        torch.save({"state_dict": OrderedDict(WEIGHTS), "optimizer": hostile}, path)
        weights = engine.checkpoint_weights(path)
        assert {name: value.tolist() for name, value in weights.items()} == {
            name.removeprefix("llm."): value.tolist() for name, value in WEIGHTS.items()
        }
        assert not isinstance(read_checkpoint(path)["optimizer"], dict | int)
    torch.save({"state_dict": Runs(os.system, command)}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(ModelError, match="读不了检查点"):
        engine.checkpoint_weights(path)
    torch.save({"state_dict": {"llm.a": Runs(os.system, command)}}, path)
    with pytest.raises(ModelError, match="读不了检查点"):
        engine.checkpoint_weights(path)
    assert not ran.exists()


def test_a_resume_finds_the_state_of_its_trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs of the engine read so whatever their libraries ask for."""
    path, ran = tmp_path / "iter_1.pth", tmp_path / "ran"
    history = HistoryBuffer([1.0, 2.0], [1, 1], 10)
    state = {
        "message_hub": {"loss": history, "seed": np.float64(3), "bytes": b"\xff"},
        "optimizer": {"state": {0: {"step": torch.tensor(4.0)}}, "betas": (0.9, 0.95)},
        "hostile": Runs(os.system, f"touch {ran}"),
    }
    torch.save(state, path)
    monkeypatch.setattr(torch, "load", torch.load)
    read_every_checkpoint_so()
    read_every_checkpoint_so()
    found = torch.load(path, map_location="cpu")
    assert found["optimizer"] == state["optimizer"]
    assert found["message_hub"]["loss"].mean() == 1.5
    assert found["message_hub"]["loss"].statistics("max") == 2.0
    assert (found["message_hub"]["seed"], found["message_hub"]["bytes"]) == (3, b"\xff")
    assert not ran.exists()
