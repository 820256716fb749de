"""The shipped base reads its prompt, writes Chinese, and leaves something to learn."""

import pytest

from tianji_core.model_folders.answering import answer_all, load
from tianji_core.models.nano import nano_base
from tianji_core.recipe import built_in_recipes, load_recipe
from tianji_core.training import TEMPLATE


@pytest.fixture(scope="module")
def loaded():
    return load(nano_base(), None, runs_code=False)


@pytest.fixture(scope="module")
def ask(loaded):
    model, tokenizer = loaded

    def answers(*requests, system=""):
        asked = [{"system": system, "request": request, "max_tokens": 60} for request in requests]
        return answer_all(model, tokenizer, TEMPLATE, asked, temperature=0.0, batch=16, seed=0)

    return answers


def test_it_loads_in_single_precision_and_has_at_most_ten_million_parameters(loaded):
    model, tokenizer = loaded
    assert {str(p.dtype) for p in model.parameters()} <= {"torch.float32", "torch.bfloat16"}
    assert sum(p.numel() for p in model.parameters()) <= 10_000_000
    assert model.config.vocab_size == len(tokenizer)


def test_it_reads_words_that_its_prompt_holds(ask):
    system = load_recipe(built_in_recipes()["wishes"]).prompts.system
    people = ("张老师", "表妹", "李总", "外婆")
    found = ask(*(f"对象：{who}；事情：毕业。对象是谁？" for who in people), system=system)
    assert sum(who == said for who, said in zip(people, found, strict=True)) >= 3


def test_it_writes_chinese_of_some_length(ask):
    (text,) = ask("随便写一条祝福。")
    hanzi = sum("\u4e00" <= c <= "\u9fff" for c in text)
    assert hanzi >= 8
    assert hanzi / len(text) > 0.6


def test_answers_do_not_depend_on_what_else_is_in_the_batch(ask):
    alone = ask("你好")
    assert ask("你好", "对象：表妹；事情：毕业。对象是谁？", "谢谢")[0] == alone[0]
