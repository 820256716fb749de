"""A merged model leaves the studio as a GGUF file that reads and answers as the model does.

The file is opened by llama.cpp.
"""

import importlib.util
import json
import shutil
import sys

import pytest

from tests.families.bases import FAMILIES, SHAPE, written
from tests.families.own_templates import MISTRAL, QWEN3, QWEN25, with_template
from tests.families.tokenizers import real_tokenizers
from tianji_core import models
from tianji_core.errors import ModelError
from tianji_core.model_folders.base import checked_base
from tianji_core.model_folders.manifest import Artefact, write_artefact
from tianji_core.model_folders.template import OWN_TEMPLATE
from tianji_core.models.catalogue import making
from tianji_core.models.gguf import check, export_gguf, missing_packages
from tianji_core.models.gguf.templates import chat_template, modelfile
from tianji_core.models.nano import FOLDER as NANO
from tianji_core.ownership import MARK
from tianji_core.serving.choosing import resolved

SYSTEM = '你是一个"送祝福"大师\n说人话'


def merged_model(workspace, write, template="internlm2_chat", name="合并"):
    """A merged model that ``write`` puts into its folder."""
    made = Artefact(name=name, kind="merged", title="一号", path=workspace.models, template=template)
    with making(workspace, name) as folder:
        write(folder)
        write_artefact(folder, made.model_copy(update={"system": SYSTEM}), workspace.home)
    return models.artefact(workspace, name)


def llama_shaped(folder):
    FAMILIES[1].write(folder)


@pytest.mark.training
@pytest.mark.timeout(600)
@pytest.mark.parametrize("quantisation", ["f16", "q8_0", "q4_k_m"])
def test_the_file_reads_and_answers_as_the_merged_model_does(workspace, quantisation):
    merged = merged_model(workspace, llama_shaped)
    made = export_gguf(workspace, merged, quantisation)
    assert (made.kind, made.base) == ("gguf", merged.path) and made in models.artefacts(workspace)
    assert sorted(path.name for path in made.path.iterdir() if path.name != MARK) == [
        "Modelfile",
        "README.md",
        "tianji.json",
        f"合并-{quantisation}.gguf",
    ]
    assert made.figures["agreement"] >= {"f16": 1.0, "q8_0": 0.95, "q4_k_m": 0.5}[quantisation]
    wider = checked_base(merged.path).size
    assert made.figures["bytes"] < {"f16": 0.6, "q8_0": 0.4, "q4_k_m": 0.3}[quantisation] * wider
    assert SYSTEM in (made.path / "Modelfile").read_text(encoding="utf-8")
    with pytest.raises(ModelError, match="Ollama"):
        resolved(workspace, [made.name])


@pytest.mark.training
@pytest.mark.timeout(600)
def test_a_file_of_other_weights_or_another_template_is_found_out(workspace, monkeypatch):
    from transformers import LlamaForCausalLM

    merged = merged_model(workspace, llama_shaped)
    made = export_gguf(workspace, merged, "f16")
    other = LlamaForCausalLM.from_pretrained(merged.path)
    other.lm_head.weight.data = other.lm_head.weight.data.flip(0)
    other.save_pretrained(merged.path)
    file = next(made.path.glob("*.gguf"))
    served = check.CheckedFile(file)
    model, tokenizer = check.load(merged.path, None, False)
    asked = check.conversations(["祝妹妹生日"])
    answers = check.merged_answers(model, tokenizer, merged.template, SYSTEM, asked, 1)
    found = check.compared(served, answers, 0.05)
    assert found["prompts"] == [] and found["agreement"] < 0.5
    answers = check.merged_answers(model, tokenizer, merged.template, "别的话", asked, 1)
    assert "祝妹妹生日" in check.compared(served, answers, 0.05)["prompts"]


@pytest.mark.training
@pytest.mark.timeout(600)
@pytest.mark.parametrize("tokenizer", real_tokenizers(), ids=lambda path: path.name)
@pytest.mark.parametrize("architecture", ["Qwen2", "Qwen3"])
def test_real_qwen_tokenizers_come_out_the_same(workspace, tokenizer, architecture):
    if "qwen" not in tokenizer.name:
        pytest.skip("another family")
    import transformers

    config = getattr(transformers, f"{architecture}Config")(vocab_size=151936, **SHAPE, eos_token_id=151645)

    def write(folder):
        shutil.copytree(tokenizer, folder, dirs_exist_ok=True)
        getattr(transformers, f"{architecture}ForCausalLM")(config).save_pretrained(folder)

    made = export_gguf(workspace, merged_model(workspace, write, "qwen_chat"))
    assert made.figures["agreement"] == 1.0


@pytest.mark.training
@pytest.mark.timeout(600)
def test_the_tokenizers_own_template_is_written_into_the_file(workspace):
    def write(folder):
        FAMILIES[1].write(folder)
        with_template(folder, MISTRAL)

    made = export_gguf(workspace, merged_model(workspace, write, OWN_TEMPLATE))
    assert made.figures["agreement"] == 1.0
    assert "TEMPLATE" not in (made.path / "Modelfile").read_text(encoding="utf-8")


@pytest.mark.training
@pytest.mark.timeout(600)
@pytest.mark.parametrize("tokenizer", real_tokenizers(), ids=lambda path: path.name)
@pytest.mark.parametrize("template", [QWEN25, QWEN3], ids=["Qwen2.5", "Qwen3"])
def test_a_real_qwen_tokenizers_own_template_comes_out_the_same(workspace, tokenizer, template):
    if tokenizer.name != "qwen":
        pytest.skip("another family")
    from transformers import Qwen3Config, Qwen3ForCausalLM

    config = Qwen3Config(vocab_size=151936, **SHAPE, eos_token_id=151645)

    def write(folder):
        shutil.copytree(tokenizer, folder, dirs_exist_ok=True)
        with_template(folder, template)
        Qwen3ForCausalLM(config).save_pretrained(folder)

    made = export_gguf(workspace, merged_model(workspace, write, OWN_TEMPLATE))
    assert made.figures["agreement"] == 1.0


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("family", "message"), [("own code", "结构没有 GGUF"), ("qwen2.5 tied", "分词器没有 GGUF")]
)
def test_a_model_that_gguf_does_not_know_is_one_sentence(workspace, tmp_path, family, message):
    base = written(next(each for each in FAMILIES if each.key == family), tmp_path)
    merged = merged_model(workspace, lambda folder: shutil.copytree(base, folder, dirs_exist_ok=True))
    models.allow_code(workspace, merged.name)
    with pytest.raises(ModelError, match=message):
        export_gguf(workspace, models.artefact(workspace, merged.name))
    assert [path.name for path in workspace.models.iterdir()] == [merged.name]


@pytest.mark.training
@pytest.mark.timeout(300)
def test_the_built_in_model_cannot_be_exported_and_nothing_is_kept(workspace):
    def write(folder):
        shutil.copytree(NANO, folder, dirs_exist_ok=True)

    merged = merged_model(workspace, write)
    with pytest.raises(ModelError, match="别的 token"):
        export_gguf(workspace, merged)
    assert [path.name for path in workspace.models.iterdir()] == [merged.name]


def test_only_the_four_bit_format_asks_for_the_quantiser(workspace, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "cyllama" else find(name))
    merged = merged_model(workspace, llama_shaped)
    with pytest.raises(ModelError, match=r"还缺 cyllama，.*requirements-gguf\.txt"):
        models.start_export_gguf(workspace, merged, "q4_k_m")
    assert missing_packages() == []


def test_without_the_packages_the_command_is_said(workspace, monkeypatch):
    merged = merged_model(workspace, llama_shaped)
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ModelError, match=r"--no-deps -r requirements-gguf.txt"):
        models.start_export_gguf(workspace, merged)


def test_a_model_of_the_built_in_base_is_refused_before_packages_are_asked_for(workspace, monkeypatch):
    merged = merged_model(workspace, llama_shaped).model_copy(update={"base": NANO})
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ModelError, match="分词器没有 GGUF"):
        models.start_export_gguf(workspace, merged)


@pytest.mark.parametrize(("quantisation", "message"), [("q2_k", "f16、q8_0、q4_k_m"), ("f16", "先合并")])
def test_what_cannot_be_exported_is_refused_before_a_job_starts(workspace, quantisation, message):
    base = Artefact(name="基座", kind="base", title="", path=workspace.models)
    with pytest.raises(ModelError, match=message):
        models.start_export_gguf(workspace, base, quantisation)


def test_the_template_begins_with_the_trained_system_prompt_unless_there_is_one():
    from jinja2 import Environment

    template = Environment().from_string(chat_template("qwen_chat", SYSTEM))
    user = {"role": "user", "content": "祝妹妹生日"}
    head = f"<|im_start|>system\n{SYSTEM}<|im_end|>\n"
    rest = "<|im_start|>user\n祝妹妹生日<|im_end|>\n<|im_start|>assistant\n"
    assert template.render(messages=[user], add_generation_prompt=True) == head + rest
    own = [{"role": "system", "content": "别的"}, user]
    assert template.render(messages=own, add_generation_prompt=True) == head.replace(SYSTEM, "别的") + rest
    empty = [{"role": "system", "content": " "}, user]
    assert template.render(messages=empty, add_generation_prompt=True) == rest


def test_the_modelfile_quotes_what_a_person_wrote():
    text = modelfile("a.gguf", "internlm2_chat", '三个"""引号')
    assert text.startswith("FROM ./a.gguf\n") and 'SYSTEM """三个\'\'\'引号"""\n' in text
    assert 'PARAMETER stop "<|im_end|>"' in text and json.dumps(text)
    assert "TEMPLATE" not in modelfile("a.gguf", "", "")
