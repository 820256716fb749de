"""The decode loop by itself: what happens when memory is short, and when an adapter goes while its requests
wait."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.serving.conftest import Folders, folders  # noqa: F401
from tests.serving.tiny import copy
from tianji_core.errors import ModelError
from tianji_core.serving import flight
from tianji_core.serving.engine import Engine
from tianji_core.serving.generation import Generation, TextPiece
from tianji_core.serving.lora import read_adapter
from tianji_core.serving.sampling import Drawing, chosen


def loaded(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, torch_dtype=torch.float32).eval()


@pytest.fixture
def engine(folders: Folders) -> Iterator[Engine]:  # noqa: F811
    from transformers import AutoTokenizer

    made = Engine(loaded(folders.base), AutoTokenizer.from_pretrained(folders.base), frozenset())
    yield made
    made.close()


class Asked:
    """Requests and what came of them, by their number."""

    def __init__(self) -> None:
        self.ends: list[tuple[int, str, str]] = []
        self.firsts: list[int] = []
        self._one = threading.Condition()

    def job(
        self,
        number: int,
        prompt: list[int],
        adapter: str = "",
        tokens: int = 2,
        first: Callable[[], object] = int,
    ) -> Generation:
        said: list[str] = []

        def deliver(piece: TextPiece) -> None:
            if number not in self.firsts:
                self.firsts.append(number)
                first()
            said.append(piece.text)
            if piece.finish_reason:
                with self._one:
                    self.ends.append((number, piece.error or piece.finish_reason, "".join(said)))
                    self._one.notify()

        return Generation(prompt, adapter, Drawing(temperature=0), tokens, (), deliver)

    def wait(self, count: int) -> dict[int, tuple[str, str]]:
        with self._one:
            assert self._one.wait_for(lambda: len(self.ends) >= count, 60), self.ends
        assert len(self.ends) == count
        return {number: (end, text) for number, end, text in self.ends}


def test_what_finds_no_memory_waits_in_its_place_and_only_what_never_fits_is_given_up(engine: Engine) -> None:
    """A pass over more than 8 prompt tokens finds no memory, whoever else is there."""

    def limited(_module: Any, _args: Any, given: dict[str, Any]) -> None:
        if given["input_ids"].shape[1] > 1 and given["input_ids"].numel() > 8:
            raise torch.OutOfMemoryError("no memory")

    asked = Asked()
    prompts = [[5 + number] * length for number, length in enumerate((3, 8, 4, 4, 12, 3))]
    alone: dict[int, tuple[str, str]] = {}
    for number in (0, 1, 2, 3, 5):
        engine.submit([asked.job(number, prompts[number])])
        alone = asked.wait(len(alone) + 1)
    engine.model.register_forward_pre_hook(limited, with_kwargs=True)
    asked = Asked()
    engine.submit([asked.job(number, prompt) for number, prompt in enumerate(prompts)])
    ended = asked.wait(6)
    assert "显存不够" in ended.pop(4)[0]
    assert ended == alone
    assert asked.firsts == [0, 1, 2, 3, 4, 5]


def test_an_adapter_goes_only_after_the_requests_that_wait_for_it(
    engine: Engine,
    folders: Folders,  # noqa: F811
) -> None:
    engine.add_adapter("red", read_adapter(folders.red, engine.model)).result(60)
    asked, busy, go_on = Asked(), threading.Event(), threading.Event()
    engine.submit([asked.job(0, [5, 6, 7], "red", 8)])
    asked.wait(1)

    def hold() -> None:
        busy.set()
        go_on.wait(60)

    engine.submit([asked.job(1, [9], first=hold)])
    assert busy.wait(60)
    engine.submit([asked.job(2, [5, 6, 7], "red", 8)])
    gone = engine.remove_adapter("red")
    go_on.set()
    gone.result(60)
    ended = asked.wait(3)
    assert ended[2] == ended[0]


def test_an_adapter_of_a_broken_training_is_refused(
    engine: Engine,
    folders: Folders,  # noqa: F811
    tmp_path: Path,
) -> None:
    """On a GPU its NaN would reach the rows of others in the same product."""
    from safetensors.torch import load_file, save_file

    broken = copy(folders.red, tmp_path / "broken")
    tensors = load_file(broken / "adapter_model.safetensors")
    name = sorted(tensors)[0]
    tensors[name][0, 0] = float("nan")
    save_file(tensors, broken / "adapter_model.safetensors")
    with pytest.raises(ModelError, match=r"NaN.*检查点"):
        read_adapter(broken, engine.model)


def answers(engine: Engine, temperature: float, tokens: list[int]) -> list[str]:
    """The answers to a request for each number of tokens, all asked at once, each with its own seed."""
    said: dict[int, list[str]] = {number: [] for number in range(len(tokens))}
    left = threading.Semaphore(0)

    def job(number: int) -> Generation:
        def deliver(piece: TextPiece) -> None:
            said[number].append(piece.error or piece.text)
            if piece.finish_reason:
                left.release()

        prompt = [3, *range(6, 9 + number % 5)]
        drawing = Drawing(temperature=temperature, seed=number)
        return Generation(prompt, "", drawing, tokens[number], (), deliver, streamed=number % 2 == 0)

    engine.submit([job(number) for number in said])
    for _each in said:
        assert left.acquire(timeout=60)
    return ["".join(said[number]) for number in said]


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_steps_launched_before_the_host_has_read_their_tokens_change_no_answer(
    folders: Folders,  # noqa: F811
    temperature: float,
) -> None:
    """As in 16 bits on a card; in float32 the tokens can be compared."""
    from transformers import AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folders.base), loaded(folders.base)
    wanted = [1, 2, 30, 7, 12, 30, 3, 30]
    found = []
    for exact in (True, False):
        engine = Engine(model, tokenizer, frozenset({9, 10, 11}), max_active=5)
        engine._exact = exact
        found.append(answers(engine, temperature, wanted))
        engine.close()
    assert found[0] == found[1] and any(found[0])


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_a_step_that_finds_no_memory_for_its_choice_is_taken_again(
    folders: Folders,  # noqa: F811
    temperature: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The keys and values of its tokens are written by then, and its random numbers drawn."""
    from transformers import AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folders.base), loaded(folders.base)
    taken = 0

    def short_once(*given: Any, **options: Any) -> Any:
        nonlocal taken
        taken += 1
        if taken == 4:
            raise torch.OutOfMemoryError("no memory")
        return chosen(*given, **options)

    found = []
    for _round in range(2):
        engine = Engine(model, tokenizer, frozenset())
        engine._exact = False
        found.append(answers(engine, temperature, [12, 15, 20]))
        engine.close()
        monkeypatch.setattr(flight, "chosen", short_once)
    assert taken > 4
    assert found[0] == found[1]


def test_a_request_that_is_cancelled_while_a_step_runs_leaves_the_others_their_answers(
    folders: Folders,  # noqa: F811
) -> None:
    from transformers import AutoTokenizer

    engine = Engine(loaded(folders.base), AutoTokenizer.from_pretrained(folders.base), frozenset())
    engine._exact = False
    alone = Asked()
    engine.submit([alone.job(0, [3, 8, 9], tokens=40)])
    asked = Asked()
    going = asked.job(1, [3, 6, 7], tokens=200, first=lambda: setattr(going, "cancelled", True))
    engine.submit([going, asked.job(2, [3, 8, 9], tokens=40)])
    assert asked.wait(1)[2] == alone.wait(1)[0]
    engine.close()


@pytest.mark.parametrize("alike", [True, False])
def test_a_pass_computes_a_bounded_number_of_prompt_tokens(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, alike: bool
) -> None:
    """A shared beginning counts once where it has to be computed; 8 beginnings of their own count each."""
    monkeypatch.setattr("tianji_core.serving.engine.READ_TOKENS", 64)
    asked = Asked()
    engine.submit([asked.job(0, [5, 6, 7])])
    asked.wait(1)
    passes: list[int] = []

    def seen(_module: Any, _args: Any, given: dict[str, Any]) -> None:
        if given["input_ids"].shape[1] > 1:
            passes.append(given["input_ids"].numel())

    hook = engine.model.register_forward_pre_hook(seen, with_kwargs=True)
    jobs = []
    for number in range(1, 9):
        job = asked.job(number, [5 if alike else 5 + number] * 20 + [30, 30 + number])
        job.shared = 20
        jobs.append(job)
    engine.submit(jobs)
    asked.wait(9)
    hook.remove()
    assert max(passes) <= 64
    assert sum(passes) == (20 if alike else 8 * 20) + 8 * 2
    assert passes[:2] == ([20, 16] if alike else [40, 4])
