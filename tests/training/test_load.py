"""Which card a program takes that uses only one."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tianji_core.project import PROJECT
from tianji_core.serving.server import on_one_card
from tianji_core.training.load import Card, one_card
from tianji_core.training.lock import card, working
from tianji_core.workspace import Workspace

FULL, FREE, FREEST = (Card(n, 0.0, used, 80) for n, used in enumerate((70, 20, 10)))
TWO = [FULL, FREE]


@pytest.fixture(autouse=True)
def _nobody_chose(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    yield
    os.environ.pop("CUDA_DEVICE_ORDER", None)


def seen(environment: dict[str, str]) -> str | None:
    assert set(environment) <= {"CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES"}
    return environment.get("CUDA_VISIBLE_DEVICES")


def test_the_card_with_the_most_free_memory_is_taken(workspace: Workspace) -> None:
    assert seen(one_card(workspace, found=TWO)) == "1"
    assert seen(one_card(None, found=[FULL, FREE, FREEST])) == "2"


def test_a_card_that_a_training_holds_is_taken_last(workspace: Workspace) -> None:
    """A training that begins holds its card before it has filled it."""
    with working(workspace, card(2)) as held:
        assert held
        assert seen(one_card(workspace, found=[FULL, FREE, FREEST])) == "1"
    assert seen(one_card(workspace, found=[FULL, FREE, FREEST])) == "2"
    with working(workspace, card(0)), working(workspace, card(1)):
        assert seen(one_card(workspace, found=TWO)) == "1"


def test_a_card_that_is_named_is_the_one_of_the_drivers_number(workspace: Workspace) -> None:
    assert seen(one_card(workspace, 0, TWO)) == "0"
    assert seen(one_card(workspace, 7, TWO)) is None


def test_a_choice_that_the_person_made_stays(monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert one_card(workspace, found=TWO) == {}


def test_one_card_or_none_leaves_the_environment_alone(workspace: Workspace) -> None:
    assert one_card(workspace, found=[FREE]) == {} == one_card(workspace, found=[])
    assert on_one_card("cpu", workspace) == "cpu"


def test_the_server_chooses_before_torch_is_loaded() -> None:
    code = "import sys, tianji_core.serving.server; print('torch' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert shown.stdout.strip() == "False", shown.stderr
