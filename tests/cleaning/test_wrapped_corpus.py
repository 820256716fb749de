"""Hand-written clean texts come out whole from whatever is wrapped round them, up to three layers deep, or a
finding is left for a person. Nothing else is ever made of them."""

import random

import pytest

from benchmarks.cleaning_corpus import Answer, answers
from tests.cleaning.test_unwrapping import WRAPPERS
from tianji_core.cleaning import Context, check, clean_text

MORE = (
    "《生日祝福》\n{}", "【祝福】{}", "以下内容可以直接发送：\n\n{}", "祝福如下：{}", "{}\n——来自AI助手", "{}（共30字）",
    "{}\n\n说明：语气亲切，符合要求。", "{}\n\n#祝福语 #文案", "<answer>{}</answer>", "好的！{}", "好的，没问题，我来写。\n{}",
    "{}\n\n需要我再写一个更短的版本吗？", "『{}』", "（{}）", '"{}"', "　　{}", "{}\n\n---\n以上内容仅供参考。",
    "Here is the message:\n{}", "{}\n\n(Note: I kept the tone warm and polite.)", "### 祝福\n\n{}", "输出：\n{}",
    "用户：写一条祝福\n助手：{}", "思考：先想称呼。\n回答：{}", "这是我写的：{}", "给您写好了，请过目：\n\n“{}”\n\n如果觉得太长，我可以再精简。",
    '"""{}"""', "祝福内容 >> {}", "Thinking: keep it short.\n...done thinking.\n\n{}", "{}\n译：祝对方平安健康，万事如意。",
)  # fmt: skip
ESCAPED = ('{"text": "{}"}', '```json\n{"blessing": "{}"}\n```')
"""Wrappers whose content is a JSON string."""


@pytest.fixture(scope="module")
def clean_texts(context: Context) -> list[Answer]:
    return [
        answer
        for part in ("dev", "dev2")
        for answer in answers(part)
        if not answer.kinds and not check(answer, context)
    ]


def wrapped(text: str, wrapper: str) -> str:
    if wrapper in ESCAPED:
        text = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return wrapper.replace("{}", text)


@pytest.mark.parametrize("seed", range(3))
def test_a_wrapped_text_comes_out_whole_or_is_left_to_a_person(
    seed: int, clean_texts: list[Answer], context: Context
) -> None:
    assert len(clean_texts) > 200
    right, wrong = 0, []
    for answer in clean_texts:
        text, source = answer.output, random.Random(f"{seed} {answer.id}")
        wrappers = source.sample(WRAPPERS + MORE + ESCAPED, source.choice((1, 2, 3)))
        for wrapper in wrappers:
            text = wrapped(text, wrapper)
        after = clean_text(answer._replace(output=text), context)
        assert clean_text(answer._replace(output=after), context) == after
        right += after == answer.output
        if after != answer.output and not check(answer._replace(output=after), context):
            wrong.append((wrappers, answer.output, after))
    assert wrong == []
    assert right >= 0.9 * len(clean_texts)
