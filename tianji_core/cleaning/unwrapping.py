"""Rules about layers of certain structure round a blessing: reasoning, chat tags, data formats."""

from collections.abc import Callable

from tianji_core.cleaning import layers, records, tables
from tianji_core.cleaning.layers import Unwrapped
from tianji_core.cleaning.rule import Context, Example, Found, Rule, Subject, only_han
from tianji_core.i18n import N_, _

_CLEAN = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"
_FORMS: tuple[Callable[[str], Unwrapped | None], ...] = (
    records.from_stream,
    records.from_json,
    tables.from_table,
    records.from_xml,
    records.from_yaml,
    tables.from_labels,
    tables.from_program,
    tables.from_code,
    tables.from_call,
)


LAYERS = (
    layers.without_thoughts,
    layers.without_labelled_thoughts,
    layers.without_chat_tags,
    layers.from_dialogue,
    layers.without_page_marks,
    layers.from_percent,
    layers.from_token_pieces,
    *_FORMS,
)
"""All layers that can stand round a blessing."""


def _think_tags(text: str, _subject: Subject, _context: Context) -> Found | None:
    if only_han(text):
        return None
    seen = layers.without_thoughts(text) or layers.without_labelled_thoughts(text)
    return None if seen is None else Found(_("有模型的思考过程"), seen.text)


def _chat_tags(text: str, _subject: Subject, _context: Context) -> Found | None:
    if only_han(text):
        return None
    seen = (
        layers.without_chat_tags(text)
        or layers.from_dialogue(text)
        or layers.without_page_marks(text)
        or layers.from_percent(text)
        or layers.from_token_pieces(text)
    )
    return None if seen is None else Found(_("有对话模板的记号：{words}", words=seen.seen), seen.text)


def _data_form(text: str, _subject: Subject, _context: Context) -> Found | None:
    if only_han(text):
        return None
    for unwrap in _FORMS:
        if (seen := unwrap(text)) is not None and seen.text != text:
            return Found(_("套着数据格式或网页标签：{words}", words=seen.seen), seen.text)
    return None


UNWRAPPING_RULES = (
    Rule(
        "think_tags",
        N_("思考过程"),
        N_("推理模型把想的过程一起写了出来，训练后的模型会学着自言自语。"),
        _think_tags,
        bad=(
            Example(f"<think>先想想称呼</think>{_CLEAN}", _CLEAN),
            Example(f"该写短一点\n</think>\n{_CLEAN}", _CLEAN),
            Example(f"<Thinking>妹妹过生日</Thinking>\n{_CLEAN}", _CLEAN),
            Example(f"【思考】妹妹过生日【/思考】{_CLEAN}", _CLEAN),
            Example(f"<|thinking|>用“你”</|thinking|>{_CLEAN}", _CLEAN),
            Example(f"思考：妹妹过生日，用“你”。\n\n回答：{_CLEAN}", _CLEAN),
            Example(f"草稿：祝你开心。\n定稿：{_CLEAN}", _CLEAN),
            Example(f"<think>先想想称呼，再写：{_CLEAN}"),
        ),
        good=(Example(_CLEAN), Example("I think 你今天最好看，生日快乐，愿你天天开心每一天。")),
        safe=True,
        odd=True,
    ),
    Rule(
        "chat_tags",
        N_("对话记号"),
        N_("对话模板的特殊记号漏进了回答，训练后的模型会把它当正文写出来。"),
        _chat_tags,
        bad=(
            Example(f"{_CLEAN}<|im_end|>", _CLEAN),
            Example(f"<|im_start|>assistant\n{_CLEAN}<|im_end|>", _CLEAN),
            Example(f"<|im_start|>user\n写一条<|im_end|>\n<|im_start|>assistant\n{_CLEAN}", _CLEAN),
            Example(f"[INST]写一条生日祝福[/INST]{_CLEAN}</s>", _CLEAN),
            Example(f"{_CLEAN}[UNUSED_TOKEN_145]", _CLEAN),
            Example(f"\x1b[32m{_CLEAN}\x1b[0m", _CLEAN),
            Example(f"[color=red]{_CLEAN}[/color]", _CLEAN),
            Example("".join(f"%{byte:02X}" for byte in _CLEAN.encode()), _CLEAN),
            Example(f"▁{_CLEAN.replace('，', '，▁')}", _CLEAN),
            Example(_CLEAN.replace("妹妹", "<0xE5><0xA6><0xB9>妹"), _CLEAN),
            Example(_CLEAN.replace("平安", "<0xE5>平安")),
            Example(f"用户：写一条\n助手：{_CLEAN}\n用户：谢谢", _CLEAN),
            Example(f"{_CLEAN}\n\nUser: 再写一条给奶奶\nAssistant: 奶奶，生日快乐。", _CLEAN),
            Example(f"{_CLEAN}<|endoftext|>Human: 谢谢，再来一条", _CLEAN),
            Example(f"analysisNeed one line.assistantfinal{_CLEAN}", _CLEAN),
            Example(f"{{\\rtf1\\ansi {_CLEAN}}}", _CLEAN),
            Example(f"[2025-02-12 19:03:27] {_CLEAN}", _CLEAN),
            Example(f"[图片]\n{_CLEAN}", _CLEAN),
            Example(f"[语速：慢][情绪：温柔]{_CLEAN}", _CLEAN),
            Example(f'{_CLEAN}\n<tool_call>{{"name": "save", "arguments": {{}}}}</tool_call>', _CLEAN),
        ),
        good=(Example(_CLEAN), Example("妹妹生日快乐<3 愿你天天开心，事事顺心。")),
        safe=True,
        odd=True,
    ),
    Rule(
        "data_form",
        N_("数据格式"),
        N_("正文套在 JSON、YAML、XML 或表格里；里面只有一段是正文时取出它，有几段时要人来选。"),
        _data_form,
        bad=(
            Example('{"text": "' + _CLEAN + '"}', _CLEAN),
            Example('{"name": "妹妹", "blessings": ["' + _CLEAN + '"],}', _CLEAN),
            Example('[{"text": "' + _CLEAN + '"}, {"text": "妹妹，祝你岁岁平安，万事都如愿。"}]'),
            Example(f"text: {_CLEAN}", _CLEAN),
            Example(f"name: 妹妹\ntext: |\n  {_CLEAN}", _CLEAN),
            Example(f"<blessing>{_CLEAN}</blessing>", _CLEAN),
            Example(f"<p>{_CLEAN}</p>", _CLEAN),
            Example(f'<message to="妹妹" text="{_CLEAN}"/>', _CLEAN),
            Example(f'send_message(to="妹妹", text="{_CLEAN}")', _CLEAN),
            Example(f"('{_CLEAN}',)", _CLEAN),
            Example("\n".join(f'data: {{"delta": "{part}"}}' for part in (_CLEAN[:9], _CLEAN[9:])), _CLEAN),
            Example('{"name": "妹妹"}\n{"wish": "' + _CLEAN + '"}', _CLEAN),
            Example('{"text": "' + _CLEAN + '"}\n{"text": "妹妹，祝你岁岁平安，万事都如愿。"}'),
            Example('{"text": "' + _CLEAN + '"}\n或者\n{"text": "妹妹，祝你岁岁平安，万事都如愿。"}'),
            Example("to = 妹妹\nreply = " + _CLEAN, _CLEAN),
            Example('```python\nwish = (\n    "' + _CLEAN + '"\n)\nprint(wish)\n```', _CLEAN),
            Example('{"text": "' + _CLEAN + "愿你往后"),
            Example(f"<wish><to>妹妹</to><text>{_CLEAN}</text></wish>", _CLEAN),
            Example(f"祝福:\n  对象: 妹妹\n  内容: {_CLEAN}", _CLEAN),
            Example(f"┌──┬──┐\n│妹妹│{_CLEAN}│\n└──┴──┘", _CLEAN),
            Example(f"| 称谓 | 祝福 |\n|---|---|\n| 妹妹 | {_CLEAN} |", _CLEAN),
        ),
        good=(Example(_CLEAN), Example("妹妹生日快乐 (>_<) 愿你天天开心，事事顺心。")),
        safe=True,
        odd=True,
    ),
)
