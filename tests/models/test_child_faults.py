"""A fault of a child that makes or tries a model is told in one sentence, in the language of the person."""

import pytest

from tests.models.test_merging import TARGETS, write_adapter
from tests.tiny_base import write_tiny_base
from tianji_core.errors import StudioError
from tianji_core.i18n import set_language
from tianji_core.model_folders.base import fingerprint
from tianji_core.model_folders.manifest import Artefact
from tianji_core.models.merged import merge
from tianji_core.models.trying import try_answer
from tianji_core.training.child_faults import tool_cause
from tianji_core.training.verdict import cause


@pytest.fixture(params=["zh", "en"])
def spoken(request):
    set_language(request.param)
    yield request.param
    set_language("zh")


def test_a_merge_that_is_refused_tells_the_reason_and_nothing_else(workspace, tmp_path, spoken):
    base = write_tiny_base(tmp_path / "base")
    write_adapter(tmp_path / "adapter", base, TARGETS, use_dora=True)
    adapter = Artefact(
        name="dora",
        kind="adapter",
        title="dora",
        path=tmp_path / "adapter",
        base=base,
        base_fingerprint=fingerprint(base),
    )
    with pytest.raises(StudioError) as refused:
        merge(workspace, adapter)
    assert str(refused.value) == {
        "zh": "这个适配器用了 use_dora，工坊合并不了",
        "en": "This adapter uses use_dora, which the studio cannot merge",
    }.get(spoken)


def test_a_model_that_cannot_be_loaded_is_told_of(workspace, tmp_path, spoken):
    base = write_tiny_base(tmp_path / "base")
    (base / "tokenizer.json").unlink()
    (base / "tokenizer_config.json").unlink()
    with pytest.raises(StudioError) as refused:
        try_answer(workspace, base, "")
    chinese = any("一" <= character <= "鿿" for character in str(refused.value))
    assert chinese == (spoken == "zh") and "Traceback" not in str(refused.value)


def test_an_error_of_the_studio_is_told_as_it_is():
    tail = 'Traceback (most recent call last):\n  File "x.py", line 1\n'
    tail += "[rank0]: tianji_core.errors.ModelError: 缺少 x，请重做\nProcess ended\n"
    assert tool_cause(tail, 1) == cause(tail, 1) == "缺少 x，请重做"


@pytest.mark.parametrize(
    ("tail", "code", "told"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate", 1, "显存不够；请关掉别的程序"),
        ("OSError: [Errno 28] No space left on device", 1, "磁盘满了；请清理空间再试"),
        ("ModuleNotFoundError: No module named 'gguf'", 1, "缺少 Python 包 gguf；运行"),
        ("", -9, "多半是内存不够；请关掉别的程序再试"),
        ("ZeroError: 没见过", 3, "程序出错退出（3）：ZeroError: 没见过"),
    ],
)
def test_no_advice_on_a_training_is_given_for_another_tool(tail, code, told):
    assert told in tool_cause(tail, code)
    assert "训练" not in tool_cause(tail, code)
