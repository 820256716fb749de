"""Adapters that a stranger made: each is refused with a sentence, and the server goes on."""

import json
import os
import pickle
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.serving.conftest import Folders, Server, run_server
from tests.serving.tiny import copy
from tianji_core.model_folders.roots import VARIABLE

KEY = "sk-for-tests"
CONFIG, WEIGHTS, PICKLED = "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder from which no model may be loaded."""
    return tmp_path_factory.mktemp("outside")


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The only folder, beside the project and the workspace, from which models may be loaded."""
    return tmp_path_factory.mktemp("inside")


@pytest.fixture(scope="module")
def guarded(folders: Folders, inside: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a key, a workspace and one allowed folder."""
    home = tmp_path_factory.mktemp("home")
    os.environ.update({"TIANJI_SERVE_KEY": KEY, VARIABLE: str(inside)})
    try:
        arguments = ["--model", f"base={folders.base}", "--api-key", "--workspace", str(home)]
        yield from run_server(arguments, home / "log")
    finally:
        for name in ("TIANJI_SERVE_KEY", VARIABLE):
            del os.environ[name]


def post(server: Server, path: str, body: object, authorization: str = f"Bearer {KEY}") -> httpx.Response:
    return httpx.post(
        f"{server.url}/{path}",
        content=json.dumps(body),
        headers={"Content-Type": "application/json", "Authorization": authorization},
        timeout=60,
    )


def load(server: Server, folder: object, name: str = "x") -> httpx.Response:
    return post(server, "load_lora_adapter", {"lora_name": name, "lora_path": str(folder)})


def sentence(answer: httpx.Response) -> str:
    """The message of a refusal."""
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error" and error["code"] == "invalid_adapter"
    assert len(error["message"]) < 1500
    return error["message"]


def config(**values: object) -> Callable[[Path], None]:
    """Changes fields of the adapter's configuration."""

    def change(folder: Path) -> None:
        file = folder / CONFIG
        file.write_text(json.dumps({**json.loads(file.read_text()), **values}))

    return change


def raw_config(data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / CONFIG).write_bytes(data)


def raw_weights(data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / WEIGHTS).write_bytes(data)


def pickled(write: Callable[[Path], object]) -> Callable[[Path], None]:
    """Replaces the weights by a file of torch's older format."""

    def change(folder: Path) -> None:
        (folder / WEIGHTS).unlink()
        write(folder / PICKLED)

    return change


def tensors(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Path], None]:
    """Changes the first matrix."""

    def changed(folder: Path) -> None:
        values = load_file(folder / WEIGHTS)
        name = sorted(values)[0]
        values[name] = change(values[name]).contiguous()
        save_file(values, folder / WEIGHTS)

    return changed


class RunsCode:
    """What a pickle that runs code holds."""

    def __reduce__(self) -> tuple[Callable, tuple]:
        return os.system, ("touch /tmp/tianji-test-pickle-ran",)


def bomb(path: Path) -> None:
    """A file of a few kilobytes that claims 64 GB."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(1000))
    data = path.read_bytes()
    at = data.rindex(b"PK\x01\x02") + 24
    path.write_bytes(data[:at] + (0xFFFFFFF0).to_bytes(4, "little") + data[at + 4 :])


def pipe(name: str) -> Callable[[Path], None]:
    """Replaces a file by a named pipe, which never ends."""

    def change(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return change


def link(name: str, target: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(target)

    return change


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "r 0": (config(r=0), "坏了"),
    "r negative": (config(r=-4), "坏了"),
    "r 10^400": (raw_config(b'{"r": 1' + b"0" * 400 + b"}"), "坏了"),
    "r of another file": (config(r=8), "秩"),
    "alpha NaN": (raw_config(b'{"r": 4, "peft_type": "LORA", "lora_alpha": NaN}'), "坏了"),
    "alpha infinite": (raw_config(b'{"r": 4, "peft_type": "LORA", "lora_alpha": 1e999}'), "坏了"),
    "rank pattern 0": (config(rank_pattern={"q_proj": 0}), "坏了"),
    "rank pattern no regex": (config(rank_pattern={"(": 4}), "不能用"),
    "target no regex": (config(target_modules="*("), "不能用"),
    "target of a recursive regex": (config(target_modules="(?R)"), "不能用"),
    "target that takes centuries": (config(target_modules=r"(?:.|\w)+[^a-z]"), "匹配太久"),
    "target of a wrong type": (config(target_modules={"a": 1}), "坏了"),
    "no target": (config(target_modules=[]), "对不上"),
    "nested": (raw_config(b'{"r": 4, "a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"), "坏了"),
    "half a character": (raw_config(b'{"r": 4, "base_model_name_or_path": "\\ud800"}'), "坏了"),
    "config of megabytes": (raw_config(b" " * 2_000_000 + b"{}"), "坏了"),
    "config not UTF-8": (raw_config(b"\xff\xfe"), "坏了"),
    "config that never ends": (pipe(CONFIG), "坏了"),
    "config empty": (raw_config(b""), "坏了"),
    "config missing": (lambda folder: (folder / CONFIG).unlink(), "没有 adapter_config.json"),
    "DoRA": (config(use_dora=True), "不是普通的 LoRA"),
    "another kind": (config(peft_type="IA3"), "不是普通的 LoRA"),
    "manifest nested": (lambda folder: (folder / "tianji.json").write_text("[" * 99_999), "坏了"),
    "weights missing": (lambda folder: (folder / WEIGHTS).unlink(), "没有适配器权重"),
    "weights empty": (raw_weights(b""), "已损坏"),
    "weights cut": (lambda f: (f / WEIGHTS).write_bytes((f / WEIGHTS).read_bytes()[:-8]), "已损坏"),
    "weights header nested": (raw_weights((9000).to_bytes(8, "little") + b"[" * 9000), "已损坏"),
    "weights header of other types": (
        raw_weights((27).to_bytes(8, "little") + b'{"a": {"data_offsets": []}}'),
        "已损坏",
    ),
    "weights without tensors": (raw_weights((2).to_bytes(8, "little") + b"{}"), "不是一组张量"),
    "weights that never end": (pipe(WEIGHTS), "不是普通文件"),
    "bin empty": (pickled(lambda path: path.write_bytes(b"")), "读不了"),
    "bin of noise": (pickled(lambda path: path.write_bytes(bytes(range(256)))), "读不了"),
    "bin that runs code": (pickled(lambda path: path.write_bytes(pickle.dumps(RunsCode()))), "读不了"),
    "bin of torch that runs code": (pickled(lambda path: torch.save(RunsCode(), path)), "读不了"),
    "bin of a list": (pickled(lambda path: torch.save([torch.ones(2, 2)], path)), "不是一组张量"),
    "bin of numbers": (pickled(lambda path: torch.save({"a": 1}, path)), "不是一组张量"),
    "bin of numbered tensors": (
        pickled(lambda path: torch.save({1: torch.ones(2, 2)}, path)),
        "不是一组张量",
    ),
    "bin sparse": (
        pickled(lambda path: torch.save({"a.lora_A.weight": torch.eye(3).to_sparse()}, path)),
        "浮点",
    ),
    "bin that claims gigabytes": (pickled(bomb), "读不了|放不下"),
    "one dimension": (tensors(lambda value: value[0]), "应当是 2 维"),
    "three dimensions": (tensors(lambda value: value[None]), "应当是 2 维"),
    "another width": (tensors(lambda value: value[:, :-1]), "形状"),
    "another rank": (tensors(lambda value: value[:-1]), "秩"),
    "whole numbers": (tensors(lambda value: value.int()), "浮点"),
    "infinite": (tensors(lambda value: value / 0), "NaN"),
    "unknown tensor": (
        lambda folder: save_file({"\u5929" * 3000: torch.ones(2, 2)}, folder / WEIGHTS),
        "不认识的张量",
    ),
    "link to a device": (link(WEIGHTS, "/dev/zero"), "允许的文件夹之外"),
    "link to a system file": (link(CONFIG, "/etc/passwd"), "允许的文件夹之外"),
    "link that goes round": (link(CONFIG, CONFIG), "打不开|没有 adapter_config"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_adapter_is_refused_with_a_sentence(
    guarded: Server, folders: Folders, inside: Path, name: str
) -> None:
    change, expected = BROKEN[name]
    folder = copy(folders.red, inside / name)
    change(folder)
    message = sentence(load(guarded, folder))
    assert any(part in message for part in expected.split("|")), message
    assert guarded.health()["models"] == ["base"]
    assert not Path("/tmp/tianji-test-pickle-ran").exists()


@pytest.mark.parametrize(
    "target", [".", "/", "~", "~nobody-of-this-name", "x" * 5000, "a\0b", "/dev/null", "\n"]
)
def test_a_base_that_an_adapter_names_may_be_any_text(
    guarded: Server, folders: Folders, inside: Path, target: str
) -> None:
    """With one model on the server it belongs to that one, whatever its file says."""
    folder = copy(folders.red, inside / f"base-{abs(hash(target))}")
    config(base_model_name_or_path=target)(folder)
    assert load(guarded, folder).status_code == 200
    assert post(guarded, "unload_lora_adapter", {"lora_name": "x"}).status_code == 200


def test_only_folders_under_the_roots_are_loaded(
    guarded: Server, folders: Folders, inside: Path, outside: Path, tmp_path: Path
) -> None:
    """Also where the path leads out of them by a link, by .., or through the process's own root."""
    foreign, own = copy(folders.red, outside / "red"), copy(folders.red, inside / "own")
    (inside / "link").symlink_to(foreign)
    (outside / "back").symlink_to(own)
    for path in (
        foreign,
        inside / "link",
        inside / ".." / outside.name / "red",
        f"/proc/self/root{foreign}",
        f"/proc/self/cwd/../../../../../../../..{foreign}",
        "/",
        "/proc/self/root",
        "/etc",
        "~",
    ):
        assert "允许的文件夹之外" in sentence(load(guarded, path)), path
    for path in (own, outside / "back", f"/proc/self/root{own}"):
        assert load(guarded, path).status_code == 200, path
        assert post(guarded, "unload_lora_adapter", {"lora_name": "x"}).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["x" * 5000, "/x" * 2500, "~nobody-of-this-name/x", "a\0b", " ", "x" * 300_000, "file:///tmp", "\n"],
)
def test_what_is_no_path_is_refused_with_a_sentence(guarded: Server, path: str) -> None:
    assert sentence(load(guarded, path))


@pytest.mark.parametrize("name", ["", "x" * 201, "two\nlines", "\x1b[31m", 5, None, ["x"]])
def test_a_name_that_no_log_can_show_is_refused(guarded: Server, folders: Folders, name: object) -> None:
    answer = post(guarded, "load_lora_adapter", {"lora_name": name, "lora_path": str(folders.red)})
    assert answer.status_code == 400 and answer.json()["error"]["param"] == "lora_name"


def test_an_unknown_field_is_named(guarded: Server) -> None:
    body = {"lora_name": "x", "lora_path": "x", "lora_paht": "y"}
    answer = post(guarded, "load_lora_adapter", body)
    assert answer.status_code == 400 and answer.json()["error"]["param"] == "lora_paht"


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"Bearer {KEY}", 200),
        (f"bearer {KEY}", 200),
        (f"BEARER   {KEY}", 200),
        (KEY, 401),
        (f"Basic {KEY}", 401),
        (f"Bearer{KEY}", 401),
        (f"Bearer {KEY[:-1]}", 401),
        ("Bearer", 401),
        ("", 401),
    ],
)
def test_the_scheme_of_the_key_may_be_written_in_any_case(guarded: Server, header: str, status: int) -> None:
    answer = httpx.get(f"{guarded.url}/models", headers={"Authorization": header})
    assert answer.status_code == status
    if status == 401:
        assert answer.json()["error"]["code"] == "invalid_api_key"


def test_a_key_in_other_letters_is_wrong(guarded: Server) -> None:
    headers = [(b"authorization", "Bearer 密钥é".encode())]
    assert httpx.get(f"{guarded.url}/models", headers=headers).status_code == 401
