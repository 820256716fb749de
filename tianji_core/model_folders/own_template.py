"""The tokenizer's own chat template: the ids of a prompt, and of a conversation with its training labels.

Imported by child processes that hold a tokenizer of transformers; needs no torch.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from tianji_core.errors import ChatTemplateError, ModelError
from tianji_core.gate import first_line
from tianji_core.i18n import _

IGNORED = -100
"""The label of a token that is not part of an answer."""
DAY = "26 Jul 2024"
"""The date that Llama 3's template falls back to. Templates that ask for today's date would render another
prompt every day."""
_NO_THOUGHTS = re.compile(r"<think>\s*</think>\s*")
_SYSTEM, _USER, _ANSWER = "祝福甲", "祝福乙", "祝福丙"
_PAD = "  "
"""Blanks around the answer of the trial conversation, which some templates strip; more than any adds."""
Turns = Sequence[tuple[str, str]]


class Ending(NamedTuple):
    """What a template puts around an answer: ``glue`` between the prompt and the answer, blank or '';
    ``marker`` right behind the answer, one token of the model; ``trims`` says that it strips the answer."""

    glue: str
    marker: str
    trims: bool


class LabelledIds(NamedTuple):
    """A conversation as token ids; ``labels`` are the ids of the answers and :data:`IGNORED` elsewhere."""

    ids: list[int]
    labels: list[int]


def fault_sentence(fault: str, detail: str = "") -> str:
    """Why a template cannot be used, for people; ``fault`` is that of a :class:`ChatTemplateError`."""
    return {
        "missing": _("这个分词器没有自带的对话模板（chat_template），请选一个有名字的模板"),
        "refuses": _("分词器自带的对话模板不接受“系统提示词、提问、回答”这样的对话：{detail}", detail=detail),
        "loses": _("分词器自带的对话模板没有把“系统提示词、提问、回答”都写出来，切不出要学的回答"),
        "between": _(
            "分词器自带的对话模板在回答前另外写了字（多半是思考），切不出要学的回答；请换不思考的版本"
        ),
        "endless": _("分词器自带的对话模板在回答后没有结束记号，模型学不会在哪里停；请选一个有名字的模板"),
    }[fault]


def _refusal(fault: str, detail: str = "") -> ChatTemplateError:
    return ChatTemplateError(fault_sentence(fault, detail), fault, detail)


def rendered(tokenizer: Any, turns: Turns, opens: bool, thinking: bool = False) -> str:
    """The text of (role, content) turns by the tokenizer's own template, told not to think unless
    ``thinking``; ``opens`` adds the beginning of an answer, without the empty block of thoughts that some
    templates put there.

    Raises:
        ChatTemplateError: there is no template, or it refuses the conversation.
    """
    if not getattr(tokenizer, "chat_template", None):
        raise _refusal("missing")
    messages = [{"role": role, "content": content} for role, content in turns]
    try:
        text = tokenizer.apply_chat_template(
            messages,
            add_generation_prompt=opens,
            tokenize=False,
            enable_thinking=thinking,
            date_string=DAY,
            strftime_now=_day,
        )
    except Exception as error:  # a template is code from outside and may raise anything
        raise _refusal("refuses", first_line(error)) from error
    if not opens:
        return str(text)
    blocks = list(_NO_THOUGHTS.finditer(text))
    return str(text[: blocks[-1].start()] if blocks and blocks[-1].end() == len(text) else text)


def _day(_form: str) -> str:
    return DAY


def own_prompt(tokenizer: Any, turns: Turns) -> list[int]:
    """The ids of a prompt: (role, content) turns and the beginning of an answer.

    Raises:
        ChatTemplateError: there is no template, or it refuses the conversation.
    """
    ids: list[int] = tokenizer.encode(rendered(tokenizer, turns, opens=True), add_special_tokens=False)
    return ids


@lru_cache(maxsize=16)
def ending_of(tokenizer: Any) -> Ending:
    """What the tokenizer's own template puts around an answer, found out with a conversation of three turns.

    Raises:
        ChatTemplateError: the template is missing or refuses a system prompt, or an answer cannot be told
            from what stands around it.
    """
    asked = [("system", _SYSTEM), ("user", _USER)]
    prompt = rendered(tokenizer, asked, opens=True)
    whole = rendered(tokenizer, [*asked, ("assistant", f"{_PAD}{_ANSWER}{_PAD}")], opens=False)
    said, answered = prompt.rpartition(_USER), whole.partition(_ANSWER)
    if not said[1] or not answered[1] or _SYSTEM not in prompt or _USER not in answered[0]:
        raise _refusal("loses")
    opening, between = said[2], answered[0].rpartition(_USER)[2]
    trims = not answered[2].startswith(_PAD)
    if not between.startswith(opening):
        raise _refusal("between")
    glue = _NO_THOUGHTS.sub("", between[len(opening) :])
    if glue.strip() or "<think>" in opening:
        raise _refusal("between")
    glue = glue if trims else glue.removesuffix(_PAD)
    marker = _first_marker(tokenizer, answered[2] if trims else answered[2].removeprefix(_PAD))
    if not marker:
        raise _refusal("endless")
    return Ending(glue, marker, trims)


def _first_marker(tokenizer: Any, text: str) -> str:
    """The blanks and the control token with which ``text`` begins; '' for another beginning."""
    known = {*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()}
    rest = text.lstrip()
    found = max((name for name in known if name and rest.startswith(name)), key=len, default="")
    return found and text[: len(text) - len(rest)] + found


def end_token(tokenizer: Any) -> int | None:
    """The id that ends an answer by the tokenizer's own template; None where the template tells none."""
    try:
        marker = ending_of(tokenizer).marker.strip()
    except ModelError:
        return None
    return int(tokenizer.convert_tokens_to_ids(marker))


def labelled(tokenizer: Any, turns: Turns) -> LabelledIds:
    """The ids and labels of a conversation that ends with an answer. Each answer follows the very prompt that
    serving would make of the turns before it: where a template renders earlier turns in another way than the
    last, the prompt is written out anew.

    Raises:
        ChatTemplateError: as for :func:`ending_of`.
    """
    ending = ending_of(tokenizer)
    ids: list[int] = []
    labels: list[int] = []
    begun = 0
    for number, (role, content) in enumerate(turns):
        if role != "assistant":
            continue
        prompt, answer = _asked_and_answered(tokenizer, turns[:number], content, ending)
        known = len(ids) - begun
        if known and prompt[:known] != ids[begun:]:
            begun, known = len(ids), 0
        ids += [*prompt[known:], *answer]
        labels += [*[IGNORED] * (len(prompt) - known), *answer]
    return LabelledIds(ids, labels)


def _asked_and_answered(
    tokenizer: Any, before: Turns, content: str, ending: Ending
) -> tuple[list[int], list[int]]:
    """The ids of a prompt, and of the answer with its end marker."""
    prompt = rendered(tokenizer, before, opens=True)
    answer = ending.glue + (content.strip() if ending.trims else content) + ending.marker
    ids: list[int] = tokenizer.encode(prompt, add_special_tokens=False)
    whole: list[int] = tokenizer.encode(prompt + answer, add_special_tokens=False)
    if whole[: len(ids)] == ids:
        return ids, whole[len(ids) :]
    return ids, tokenizer.encode(answer, add_special_tokens=False)
