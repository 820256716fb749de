"""Rules about what surrounds a blessing: reasoning, headings, opening and closing words, marks, second
versions."""

import re

from tianji_core.cleaning.rule import HARD_FLOOR, Context, Example, Found, Rule, Subject, only_han, phrases
from tianji_core.i18n import N_, _

JOINED_STYLES = ("祝福长文", "诗词赋", "文言文")
"""Styles whose texts have several lines: the lines are joined unless one alone is long enough to be the
text."""

_THINK = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>\s*|^.*?</think(?:ing)?>\s*", re.DOTALL)
_THINK_OPEN = re.compile(r"</?think(?:ing)?>")
_MARKDOWN = (
    (re.compile(r"```[a-z]*\n?"), ""),
    (re.compile(r"\*\*(.+?)\*\*|__(.+?)__", re.DOTALL), r"\1\2"),
    (
        re.compile(r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]*|[-*+•][ \t]+|\d{1,2}[.、)）][ \t]*(?=\D))", re.MULTILINE),
        "",
    ),
    (re.compile(r"`([^`\n]+)`"), r"\1"),
)
_MARKDOWN_HINT = re.compile(r"[*_#>`•+]|^[ \t]*(?:-|\d{1,2}[.、)）])", re.MULTILINE)
_TITLE_LINE = re.compile(
    r"(?:《[^》\n]{1,30}》|【[^】\n]{1,30}】|(?:标题|题目)\s*[:：][^\n]{1,40}"
    r"|[^\n，。！？!?~～：:、]{1,16}(?:祝福|祝福语|贺词|寄语|文案|·[^\n，。！？!?：:]{1,8}))\s*"
)
_TITLE_INLINE = re.compile(
    r"(?:【[^】\n]{1,30}】|《[^》\n]{0,28}(?:祝|贺|寄|致|写给|献给|赠)[^》\n]{0,28}》)[ \t]*[:：]?[ \t]*(?=\S)"
)
_LEAD_IN = re.compile("(?:" + "|".join(phrases()["lead_in"]) + ")+")
_CLOSING = re.compile(
    r"(?:(?<=[。！!？?~～…”\n）)])|(?<=[呀呢啦哦哟]))\s*(?:" + "|".join(phrases()["closing"]) + r")\s*$"
)
_QUOTES = ('“”"＂', "「」", "『』", "‘’'")
"""Families of interchangeable quotation marks: opening, closing, and those that are both."""
_STOPS = "。！!？?~～…"


def _think_tags(text: str, _subject: Subject, _context: Context) -> Found | None:
    if "think" not in text or _THINK_OPEN.search(text) is None:
        return None
    fixed = _THINK_OPEN.sub("", _THINK.sub("", text)).strip()
    return Found(_("有模型的思考过程"), fixed or None)


def _markdown(text: str, _subject: Subject, _context: Context) -> Found | None:
    if only_han(text) or _MARKDOWN_HINT.search(text) is None:
        return None
    fixed = text
    for pattern, replacement in _MARKDOWN:
        fixed = pattern.sub(replacement, fixed)
    if fixed == text:
        return None
    return Found(_("有 Markdown 记号或编号"), fixed.strip() or None)


def _title(text: str, _subject: Subject, _context: Context) -> Found | None:
    first, _newline, rest = text.strip().partition("\n")
    if _TITLE_LINE.fullmatch(first):
        return Found(_("第一行是标题：{title}", title=first.strip()), rest.strip() or None)
    match = _TITLE_INLINE.match(text.strip())
    if match is None:
        return None
    return Found(_("开头是标题：{title}", title=match.group().strip()), text.strip()[match.end() :])


def _lead_in(text: str, _subject: Subject, _context: Context) -> Found | None:
    start = text.lstrip()
    match = _LEAD_IN.match(start)
    if match is None or not match.group():
        return None
    return Found(_("有开场白：{words}", words=match.group().strip()), start[match.end() :].strip() or None)


def _closing(text: str, _subject: Subject, _context: Context) -> Found | None:
    match = _CLOSING.search(text)
    if match is None:
        return None
    return Found(
        _("末尾有多余的话：{words}", words=match.group().strip()), text[: match.start()].strip() or None
    )


def _several_lines(text: str, subject: Subject, context: Context) -> Found | None:
    if "\n" not in text.strip():
        return None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    body = list(lines)
    while len(body) > 1 and (_TITLE_LINE.fullmatch(body[0]) or _is_lead_in(body[0])):
        body.pop(0)
    if len(body) < 2:
        return None
    return Found(_("有 {n} 行", n=len(lines)), _one_line(body, subject, context))


def _is_lead_in(line: str) -> bool:
    match = _LEAD_IN.match(line)
    return match is not None and match.end() == len(line)


def _one_line(lines: list[str], subject: Subject, context: Context) -> str:
    """Returns all lines joined for a style of several lines in which no line is a whole text, otherwise the
    first line that is."""
    joined = "".join(lines)
    low, high = context.limits.get(subject.style, (HARD_FLOOR, 0))
    if subject.style in JOINED_STYLES and len(joined) <= high and all(len(line) < low for line in lines):
        return joined
    if lines[0][-1] in "：:，,、" and len(lines[0]) <= 12:  # a salutation belongs to the next line
        lines = [lines[0] + lines[1], *lines[2:]]
    whole = (line for floor in (low, HARD_FLOOR) for line in lines if len(line) >= floor)
    return next(whole, max(lines, key=len))


def _wrapping_quotes(text: str, _subject: Subject, _context: Context) -> Found | None:
    inner = text.strip()
    for family in _QUOTES:
        places = [place for place, sign in enumerate(inner) if sign in family]
        if not places or len(inner) < 3:
            continue
        first, last = places[0] == 0, places[-1] == len(inner) - 1
        if len(places) == 2 and first and last:
            proposal = Found(_("整段套着引号"), inner[1:-1].strip())
        elif len(places) == 2 and first and places[1] == len(inner) - 2 and inner[-1] in _STOPS:
            body = inner[1:-2].strip()
            proposal = Found(_("整段套着引号"), body if body[-1:] in _STOPS else body + inner[-1])
        elif first and _paired(inner[1:], family):
            proposal = Found(_("开头的引号没有另一半"), inner[1:].strip())
        elif last and _paired(inner[:-1], family):
            proposal = Found(_("末尾的引号没有另一半"), inner[:-1].strip())
        else:
            continue
        return proposal if any(char.isalnum() for char in proposal.fixed or "") else None
    return None


def _paired(text: str, family: str) -> bool:
    """Returns whether every opening mark of a family has its closing mark; marks without direction must be
    even in number."""
    depth = alike = 0
    for sign in text:
        if sign == family[0]:
            depth += 1
        elif sign == family[1]:
            depth -= 1
            if depth < 0:
                return False
        elif sign in family:
            alike += 1
    return depth == 0 and alike % 2 == 0


def _spaces(text: str, _subject: Subject, _context: Context) -> Found | None:
    if only_han(text):
        return None
    fixed = _SPACE_RUN.sub(" ", _SPACE_BETWEEN.sub("", text.strip()))
    return Found(_("有多余的空白"), fixed) if fixed != text and fixed else None


_SPACE_RUN = re.compile(r"[ \t\u3000]{2,}")
_SPACE_BETWEEN = re.compile(
    r"(?<=[\u4e00-\u9fff，。！？；：、])[ \t\u3000]+(?=[\u4e00-\u9fff，。！？；：、])"
)

_CLEAN = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"

WRAPPING_RULES = (
    Rule(
        "think_tags",
        N_("思考过程"),
        N_("推理模型把想的过程一起写了出来，训练后的模型会学着自言自语。"),
        _think_tags,
        bad=(
            Example(f"<think>先想想称呼</think>{_CLEAN}", _CLEAN),
            Example(f"该写短一点\n</think>\n{_CLEAN}", _CLEAN),
        ),
        good=(Example(_CLEAN), Example("I think 你今天最好看，生日快乐，愿你天天开心每一天。")),
        safe=True,
    ),
    Rule(
        "markdown",
        N_("Markdown 记号"),
        N_("加粗、井号、编号和代码框是给网页看的，祝福里不该有。"),
        _markdown,
        bad=(
            Example(f"**{_CLEAN}**", _CLEAN),
            Example(f"# {_CLEAN}", _CLEAN),
            Example(f"1. {_CLEAN}", _CLEAN),
            Example(f"```\n{_CLEAN}\n```", _CLEAN),
        ),
        good=(Example(_CLEAN), Example("祝妹妹生日快乐^_^愿你每一天都像今天一样闪闪发光。")),
        safe=True,
    ),
    Rule(
        "title",
        N_("带标题"),
        N_("训练数据里只要祝福本身，标题、书名号和方括号里的题目都去掉。"),
        _title,
        bad=(
            Example(f"《写给妹妹的祝福》\n{_CLEAN}", _CLEAN),
            Example(f"【生日祝福】\n{_CLEAN}", _CLEAN),
            Example(f"标题：生日祝福\n{_CLEAN}", _CLEAN),
            Example(f"【生日祝福】{_CLEAN}", _CLEAN),
            Example(f"送妹妹的生日祝福\n{_CLEAN}", _CLEAN),
        ),
        good=(
            Example(_CLEAN),
            Example("《诗经》里说如月之恒，如日之升，妹妹生日快乐，愿你年年如此。"),
        ),
        safe=True,
    ),
    Rule(
        "lead_in",
        N_("开场白"),
        N_("“祝福语如下：”这样的话是模型在和提问的人说话，不是祝福。"),
        _lead_in,
        bad=(
            Example(f"当前祝福语如下：{_CLEAN}", _CLEAN),
            Example(f"好的，以下是送给妹妹的祝福语：\n{_CLEAN}", _CLEAN),
            Example(f"这是一条生日祝福：{_CLEAN}", _CLEAN),
            Example(f"当然可以！祝福语如下：{_CLEAN}", _CLEAN),
            Example(f"祝福语：{_CLEAN}", _CLEAN),
        ),
        good=(
            Example(_CLEAN),
            Example("在这个特别的日子里，送上我最真心的祝福：愿妹妹天天开心。"),
            Example("好的日子都在后头，妹妹生日快乐，愿你新的一岁事事顺心。"),
            Example("亲爱的妹妹：祝你生日快乐，愿你新的一岁事事顺心。"),
        ),
        safe=True,
    ),
    Rule(
        "closing",
        N_("结束语"),
        N_("“希望你喜欢”“如需修改请告诉我”和字数说明都不是祝福。"),
        _closing,
        bad=(
            Example(f"{_CLEAN}希望这条祝福你能喜欢！", _CLEAN),
            Example(f"{_CLEAN}（共28字）", _CLEAN),
            Example(f"{_CLEAN}\n如果需要修改，请随时告诉我。", _CLEAN),
            Example(f"{_CLEAN}字数：28", _CLEAN),
        ),
        good=(Example(_CLEAN), Example("妹妹生日快乐！希望你往后的每一天都像今天一样开心。")),
        safe=True,
    ),
    Rule(
        "several_lines",
        N_("不止一行"),
        N_(
            "模型一次给了几条，或者分了行。一条样本只要一行：多数风格保留第一句完整的话，长文和诗词在字数允许时连起来。"
        ),
        _several_lines,
        bad=(
            Example(f"{_CLEAN}\n妹妹，祝你岁岁平安，心里的愿望都能一样一样实现。", _CLEAN),
            Example(
                "慈颜含笑坐春风，\n膝下儿孙乐意浓。\n愿借南山松上鹤，\n年年衔寿到堂中。",
                "慈颜含笑坐春风，膝下儿孙乐意浓。愿借南山松上鹤，年年衔寿到堂中。",
                style="诗词赋",
            ),
            Example(
                "慈颜含笑坐春风，膝下儿孙乐意浓。岁岁今朝灯下笑。\n愿借南山松上鹤，年年衔寿到堂中。岁岁今朝灯下笑。",
                "慈颜含笑坐春风，膝下儿孙乐意浓。岁岁今朝灯下笑。",
                style="诗词赋",
            ),
        ),
        good=(Example(_CLEAN), Example(f"当前祝福语如下：\n{_CLEAN}")),
        safe=True,
    ),
    Rule(
        "wrapping_quotes",
        N_("整段引号"),
        N_("引号把整段话包了起来，或者只剩了一半，学会之后每句都会带引号。"),
        _wrapping_quotes,
        bad=(
            Example(f"“{_CLEAN}”", _CLEAN),
            Example(f'"{_CLEAN}"', _CLEAN),
            Example(f"「{_CLEAN}」", _CLEAN),
            Example(f"“{_CLEAN[:-1]}”。", _CLEAN),
            Example(f"“{_CLEAN}", _CLEAN),
            Example(f'{_CLEAN}"', _CLEAN),
            Example(f"“{_CLEAN}收好这个“福”", f"{_CLEAN}收好这个“福”"),
        ),
        good=(
            Example(_CLEAN),
            Example("妹妹，生日快乐！愿你平安喜乐，往后的日子都配得上一个“甜”"),
            Example("“快乐”二字送给妹妹，生日这天记得收好，往后常带“笑”"),
        ),
        safe=True,
    ),
    Rule(
        "spaces",
        N_("多余空白"),
        N_("首尾的空格、汉字之间的空格和连着的空格没有意义。"),
        _spaces,
        bad=(Example(f" {_CLEAN}\n", _CLEAN), Example(_CLEAN.replace("快乐！", "快乐！ "), _CLEAN)),
        good=(Example(_CLEAN), Example("Happy birthday 妹妹，愿你天天开心，事事顺利。")),
        safe=True,
    ),
)
