"""Commands for servers of other programs."""

import shlex
from pathlib import Path

import pytest

from tests.serving.conftest import Folders
from tests.serving.other_server import install
from tests.serving.tiny import make_adapter
from tianji_core import jobs
from tianji_core.comparison import Ask, Column, Comparer, plan_board, save_board
from tianji_core.errors import InputError
from tianji_core.models import register_folder
from tianji_core.ownership import mark
from tianji_core.recipe import built_in_recipes, load_recipe
from tianji_core.serving import ChatSampling, ModelRef, ServerOptions, external, servers, starting, wait_ready
from tianji_core.serving.launch import free_port
from tianji_core.serving.programs import FOLDER
from tianji_core.training.load import Card
from tianji_core.workspace import Workspace


def test_a_command_names_the_model_its_template_and_its_adapters(
    workspace: Workspace, folders: Folders
) -> None:
    red = ModelRef("red", str(folders.red))
    made = external.command(workspace, "vllm", [f"b={folders.base}"], [red], gpus=2)
    words = shlex.split(made.text)
    assert words[:3] == ["vllm", "serve", str(folders.base)]
    for option, value in (
        ("--served-model-name", "b"),
        ("--tensor-parallel-size", "2"),
        ("--max-lora-rank", "8"),
        ("--lora-modules", f"red={folders.red}"),
        ("--host", "127.0.0.1"),
    ):
        assert words[words.index(option) + 1] == value
    assert Path(words[words.index("--chat-template") + 1]).is_file()
    plain = external.command(workspace, "lmdeploy", [str(folders.merged)])
    assert "--adapters" not in plain.argv and "--chat-template" not in plain.argv


def test_the_shipped_template_writes_what_training_wrote(folders: Folders) -> None:
    from transformers import AutoTokenizer

    from tianji_core.model_folders.messages import ChatMessage
    from tianji_core.model_folders.prompt import encode

    tokenizer = AutoTokenizer.from_pretrained(folders.base)
    said = [("system", "送祝福"), ("user", "祝大舅"), ("assistant", "好"), ("user", "祝您")]
    trained = encode(tokenizer, "internlm2_chat", [ChatMessage(role=r, content=c) for r, c in said])
    tokenizer.chat_template = (FOLDER / "chat_markup.jinja").read_text(encoding="utf-8")
    turns = [{"role": role, "content": content} for role, content in said]
    assert tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=True) == trained


def test_a_program_that_is_not_here_is_refused_with_its_remedy(
    workspace: Workspace, folders: Folders, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    made = external.command(workspace, "vllm", [str(folders.base)])
    assert not made.installed
    with pytest.raises(InputError, match="--program vllm --install"):
        external.start(workspace, made)
    with pytest.raises(InputError, match="没有程序 tgi"):
        external.command(workspace, "tgi", [str(folders.base)])
    with pytest.raises(InputError, match="一个完整模型"):
        external.command(workspace, "vllm", [str(folders.base), str(folders.merged)])


def test_models_that_an_installed_program_refuses_are_left_to_the_next_and_to_the_studio(
    workspace: Workspace, folders: Folders, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """vLLM knows no rank above 512, LMDeploy takes any."""
    monkeypatch.setenv("TIANJI_PROGRAMS", str(tmp_path / "programs"))
    monkeypatch.setattr(starting, "cards", lambda: [Card(0, 0.0, 0, 24_000_000_000)])
    register_folder(workspace, folders.base, name="底座")
    wide = ModelRef("wide", str(make_adapter(tmp_path / "wide", folders.base, seed=5, rank=1024)))
    red = ModelRef("red", str(folders.red))
    found = []
    for program in ("vllm", "lmdeploy"):
        binary = tmp_path / "programs" / program / "bin"
        binary.mkdir(parents=True)
        install(binary, program)
        mark(binary.parent, lock="a" * 64)
        found.append([starting.default_program(workspace, ["底座"], extra=[each]) for each in (red, wide)])
    assert found == [["vllm", "studio"], ["vllm", "lmdeploy"]]
    with pytest.raises(InputError, match="vLLM 不认 --quantization"):
        starting.start_default(
            workspace, ["底座"], options=ServerOptions(quantization="4bit"), program="vllm"
        )


@pytest.mark.parametrize("program", ["vllm", "lmdeploy"])
def test_an_installed_program_is_started_followed_asked_compared_and_stopped(
    workspace: Workspace, folders: Folders, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str
) -> None:
    """Any program of that name that takes those options counts."""
    install(tmp_path, program)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    register_folder(workspace, folders.base, name="底座")
    red = ModelRef("red", str(folders.red))
    command = external.command(workspace, program, ["底座"], [red], port=free_port(None))
    assert command.installed
    job = external.start(workspace, command)
    try:
        ready = wait_ready(workspace, job.id, timeout=60)
        assert ready.models == ("底座", "red") and servers(workspace)[0].ready
        with pytest.raises(InputError, match="已被占用"):
            external.start(workspace, command)
        columns = [Column(url=ready.url, model=name, style="正常") for name in ready.models]
        board = plan_board(
            load_recipe(built_in_recipes()["wishes"]),
            [Ask(name="大舅", scene="春节")],
            columns,
            "",
            ChatSampling(),
        )
        comparer = Comparer(workspace)
        comparer.start(board)
        texts = [cell.text for cell in comparer.wait(board.key).cells]
        assert texts == ["底座：祝大舅春节，平安喜乐", "red：祝大舅春节，平安喜乐"]
        assert "asked red" in jobs.log_tail(workspace, job.id)
        gone = f"http://127.0.0.1:{free_port(None)}/v1"
        board.columns = [column.model_copy(update={"url": gone}) for column in columns]
        board.cells[1].state, board.cells[1].text = "failed", ""
        save_board(workspace, board)
        comparer.retry(board.key)
        again = comparer.wait(board.key)
        assert again.cells[1].text == texts[1] and again.columns[1].url == ready.url
        board.columns = [columns[1], columns[1].model_copy(update={"url": gone})]  # as of another precision
        board.cells[1].state, board.cells[1].text = "failed", ""
        save_board(workspace, board)
        other = Comparer(workspace)
        other.retry(board.key)
        again = other.wait(board.key)
        assert again.cells[1].state == "failed" and again.columns[1].url == gone
    finally:
        jobs.stop(workspace, job.id)
        assert jobs.wait(workspace, job.id, timeout=60).state == "stopped"
    assert servers(workspace) == []
