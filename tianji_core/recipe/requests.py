"""The requests to teachers beside the one that writes a text: the shipped wording of each, with its
placeholders. A recipe keeps only those that a person has changed. They are Chinese whatever the language of
the pages."""

import string
from collections.abc import Mapping
from typing import NamedTuple

from tianji_core.i18n import N_, _

LONGEST_REQUEST = 8000


class RequestKind(NamedTuple):
    """One request: its title for people, the shipped wording and its placeholders, of which ``required`` ones
    must stay."""

    title: str
    text: str
    fields: tuple[str, ...]
    required: tuple[str, ...]


REQUESTS: dict[str, RequestKind] = {
    "documents": RequestKind(
        N_("文档问答"),
        """你在为一个问答助手准备教材。读下面的资料，出 {pairs} 组问答。
- 问题要像读者自己会问的话，不看资料也明白在问什么，不要出现“资料”“文中”“上面”这类字眼；
- 每个问题问不同的事，答案只写资料里有的，说完整，不编造、不评论；
- {form}
资料出自《{file}》：
{text}""",
        ("pairs", "form", "file", "text"),
        ("pairs", "form", "text"),
    ),
    "judge": RequestKind(
        N_("模型评分"),
        """请你当一回挑剔的编辑，给下面这段话打分。
写作任务：{task}
{style}
这段话：
{text}

三项各打 0 到 5 分，可以有一位小数：
- fit：写给谁、为了什么，合不合适，称呼、您和你、提到的事对不对；
- style：像不像要的风格，长短合不合适；
- naturalness：读着是不是自然的中文，有没有套话、病句和多余的字。
5 分是可以直接发出去，3 分是要改，1 分以下是不能用。再用一句不超过 40 字的话说出最主要的理由。
{form}""",
        ("task", "style", "text", "form"),
        ("task", "text", "form"),
    ),
    "duel": RequestKind(
        N_("两条比一比"),
        """有人提了一个要求，两位写手各写了一段。请你当评委，看哪一段更好。
要求：{task}
{style}
甲：
{first}

乙：
{second}

先看写给谁、为了什么、称呼是不是对，再看像不像要的风格，最后看读着是不是自然、有没有新意。长的不一定好。
{form}""",
        ("task", "style", "first", "second", "form"),
        ("task", "first", "second", "form"),
    ),
    "rewriting": RequestKind(
        N_("换一种写法"),
        """{asked}
已经有人写了这一段，请换一种写法重写，不要照抄：{text}
{problems}
{wish}
只返回重写后的正文，前后不要写别的。""",
        ("asked", "text", "problems", "wish"),
        ("text",),
    ),
    "rating": RequestKind(
        N_("给格子打分"),
        """任务是“{title}”：{task}
{receiver}
下面这些{scene_title}，哪些适合写？{scenes}
逐个打分：2 合情合理，1 要看具体情况，0 不合情理或失礼。
{form}""",
        ("title", "task", "receiver", "scene_title", "scenes", "form"),
        ("scenes", "form"),
    ),
    "imitation": RequestKind(
        N_("照着写"),
        """下面这段文字我很喜欢。请照着它的写法另写一段：口气、说话的距离、细节的多少都像它，但是每一句都是新的。
{receiver}
{scene_title}是{scene}。
- 不照抄，也不是换几个词：开头换一种起法，结尾换一种收法，句子的长短、先后和标点都重新安排；
- 里面的人、事、物都换掉，要合乎写给谁和为了什么；
- {low} 到 {high} 个字，{line_form}；
- 只返回正文，前后不要写别的。
{others}
这段文字是：
{text}""",
        ("receiver", "scene_title", "scene", "low", "high", "line_form", "others", "text"),
        ("scene", "text"),
    ),
    "imitation_again": RequestKind(
        N_("照着写：太像了再写"),
        """这一段{fault}。请重写一段：
- {orders}
- 写给谁、{scene_title}（{scene}）和口气都不变；
- 只返回正文，前后不要写别的。""",
        ("fault", "orders", "scene_title", "scene"),
        ("orders",),
    ),
    "follow_up": RequestKind(
        N_("追问"),
        """{request}。
{meaning}只返回改好的正文，前后不要写别的。""",
        ("request", "meaning"),
        ("request",),
    ),
}


def check_requests(requests: Mapping[str, str]) -> None:
    """Raises ValueError unless every request is a known one whose placeholders are known, with all that it
    needs."""
    for key, text in requests.items():
        kind = REQUESTS.get(key)
        if kind is None:
            raise ValueError(
                _("没有叫“{key}”的提示词，有的是：{known}", key=key, known=_("、").join(REQUESTS))
            )
        if len(text) > LONGEST_REQUEST:
            raise ValueError(_("提示词“{title}”太长，最多 {n} 个字", title=_(kind.title), n=LONGEST_REQUEST))
        try:
            check_template(text, kind.fields, kind.required)
        except ValueError as error:
            raise ValueError(_("提示词“{title}”：{reason}", title=_(kind.title), reason=error)) from error


def check_template(template: str, known: tuple[str, ...], required: tuple[str, ...] = ()) -> None:
    """Raises ValueError unless every ``{field}`` of ``template`` is in ``known`` and all ``required`` ones
    occur."""
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ValueError(_("模板的花括号不成对：{detail}", detail=str(error))) from error
    fields = {field for _lit, field, _spec, _conv in parts if field is not None}
    for _lit, field, spec, conversion in parts:
        if spec or conversion:  # such as {scene:>300000000}
            form = f"{{{field}{'!' if conversion else ':'}{conversion or spec}}}"
            raise ValueError(_("模板的花括号里只能写字段名：{detail}", detail=form[:60]))
    for field in fields:
        if field not in known:
            raise ValueError(
                _(
                    "模板里有不认识的字段 {field}，可用的是 {known}",
                    field=f"{{{field}}}",
                    known=" ".join(f"{{{k}}}" for k in known),
                )
            )
    for field in required:
        if field not in fields:
            raise ValueError(_("模板缺少字段 {field}", field=f"{{{field}}}"))


def filled(template: str, values: Mapping[str, object]) -> str:
    """Returns a template with its placeholders filled. A line that is one placeholder alone is left out where
    that has nothing to say."""
    lines = [
        line
        for line in template.splitlines()
        if not (line.strip().startswith("{") and values.get(line.strip()[1:-1]) == "")
    ]
    return "\n".join(lines).format(**values)
