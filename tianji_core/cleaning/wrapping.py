"""Rules about what surrounds a blessing: markdown, numbering, headings, lines, quotation marks, white space,
second versions."""

import re

from tianji_core.cleaning.fault_model import unfinished_score
from tianji_core.cleaning.layers import NUMBER
from tianji_core.cleaning.quick import QuickPattern, signs_in
from tianji_core.cleaning.rule import HARD_FLOOR, Context, Example, Found, Rule, Subject, only_han
from tianji_core.cleaning.talk import DOUBT, SURE, labelled_texts, reading, without_note
from tianji_core.cleaning.talk_model import words_score
from tianji_core.i18n import N_, _

_GLOSSED = re.compile(
    r"(?P<said>(?P<word>[一-鿿]{1,4})[^（()）\n]{0,8})"
    r"[（(]\s*[“\"「]?(?P=word)[”\"」]?\s*(?:[:：]|指|意为)[^（()）\n]{1,20}[)）]"
)
"""A word that brackets behind it explain."""
_MARKDOWN = (
    (re.compile(r"\\([*_#`~>\-!.()\[\]])"), r"\1"),
    (
        re.compile(
            r"^[ \t]*(?:`{3,}|~{3,}|:{3,})[\w-]*[ \t]*\n?"
            r"|(?:\n|(?<![ \t`~:]))[ \t]*(?:`{3,}|~{3,}|:{3,})[ \t]*$",
            re.MULTILINE,
        ),
        "",
    ),
    (re.compile(r"```(?:[a-z]+(?=\s))?"), ""),
    (re.compile(r"!\[[^\]\n]*\]\([^)\s]*\)"), ""),
    (re.compile(r"(?<!\!)\[([^\]\n]+)\]\((?:https?:|#|/|mailto:)[^)\s]*\)"), r"\1"),
    (re.compile(r"(\*{2,3})\s*([^*]+?)\s*\1", re.DOTALL), r"\2"),
    (re.compile(r"\*(?=\S)([^*\n]+?)(?<=\S)\*"), r"\1"),
    (re.compile(r"^[ \t]*(?:#{1,6}|[-*>+•])[ \t]*\n|\A-(?=[\u4e00-\u9fff“])", re.MULTILINE), ""),
    (re.compile(r"(?<!\w)(_{1,3})(?=[^\s_])([^_\n]+?)(?<=[^\s_])\1(?![A-Za-z0-9])"), r"\2"),
    (re.compile(r"~~(?=\S)([^~\n]{2,})(?<=\S)~~"), r"\1"),
    (
        re.compile(
            r"^[ \t]*(?:(?:[-*_=—][ \t]*){3,}|[-*_=]{3,}|[\u2500-\u259f~·]{3,})[ \t]*$\n?", re.MULTILINE
        ),
        "",
    ),
    (re.compile(r"\A[—–]{1,2}[ \t]+(?=[\u4e00-\u9fff“])"), ""),
    (
        re.compile(
            r"(?<=[\u4e00-\u9fff])[(（](?=[^()（）\n]*[āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ])[a-zāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜü' ]{1,40}[)）]"
        ),
        "",
    ),
    (
        re.compile(
            r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]*|[-*+•·●○◆■▪→»►▶][ \t]+(?:\[[ xX]\][ \t]*)?)", re.MULTILINE
        ),
        "",
    ),
    (re.compile(r"`([^`\n]+)`"), r"\1"),
    (re.compile(r"(?<![ \t])[ \t]*#{2,6}[ \t]*\Z"), ""),
    (re.compile(r"\"{3}|'{3}"), ""),
    (
        re.compile(r"\[\^?(?:[a-z]{2,10}[:：_])?\d{1,2}(?:[,，]\d{1,2})*\^?\]|【\d+(?:[:：]\d+)?†[^】\n]*】"),
        "",
    ),  # sources
    (_GLOSSED, r"\g<said>"),
    (re.compile(r"(?<=[。！？!?~～…])[\u2460-\u2473]\s*\Z"), ""),  # the mark of a note that is gone
    (re.compile(r"\\([*_#`~>\-!.()\[\]])"), r"\1"),
)
_MARKDOWN_HINT = re.compile(
    r"[āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ\u2500-\u259f]|~{3}|·{3}|^[—–]|†|\"{3}|'{3}|[\u2460-\u2473*_#>`•·●○◆■▪~\\\[]|[（(]\s*[“\"「]?[一-鿿]{1,4}[”\"」]?\s*(?:[:：]|指|意为)|^[ \t]*(?:[-+=—→»►▶:]|\d{1,2}[.、)）])",
    re.MULTILINE,
)
_NUMBER_HINT = re.compile(
    r"^[ \t]*(?:[\u2600-\u27bf\U0001f300-\U0001faff]|[（(【\[\d一二三四五六七八九十第版方选备示祝A-Ha-hONV#]"
    r"|[\u2160-\u217b\u2460-\u249b\u24b6-\u24e9\u2776-\u2793\u3220-\u3229\u3280-\u3289\U0001f51f])",
    re.MULTILINE,
)
_ACTED = re.compile(
    r"^[ \t]*\*(?!\*)[^*\n。！？您你]{2,40}\*[ \t]+(?=[\u4e00-\u9fff“])"
    r"|(?<=[。！？!?~～…])[ \t]*\*(?!\*)[^*\n。！？您你]{2,40}\*[ \t]*$",
    re.MULTILINE,
)
"""What the speaker does, between asterisks before or behind what is said."""
_GESTURE = re.compile(
    r"\s*\*(?!\*)[^*\n。！？您你]{0,20}(?:微笑|举杯|举起|鞠躬|拱手|轻声|嗓子|深情|望向|看向|双手|抱拳|挥手|哽咽|笑着|俯身|递上|点点头)[^*\n。！？您你]{0,20}\*\s*(?=[一-鿿“])"
)
"""The same with a gesture that nobody takes for a part of what is said."""
_HEADING = re.compile(
    r"\s*#{1,4}[ \t]*(?P<title>(?![^\n]*(?:快乐|安康|[您你]))[^\s#，。！？!?~～：:][^\n，。！？!?~～：:]{1,20})\n\s*\n\s*(?=\S)"
)
"""A heading over the text that says nothing to anybody."""
_STRUCK = re.compile(r"(?<=[\u4e00-\u9fff，。！？])~~(?=[\u4e00-\u9fff])[^~\n]{1,20}~~(?=[\u4e00-\u9fff])")
"""Words that are struck out inside a sentence."""
_DIFFERENCE = re.compile(r"^-[ \t]*[^\n]{6,}\n+\+[ \t]*[^\n]{6,}$", re.MULTILINE)
"""Lines taken away and added, as programs show a change."""
_ONE_CHANGE = re.compile(r"\s*-[ \t]*[^\n]{6,}\n+\+[ \t]*(?P<now>[^\n]{6,}?)\s*")
"""One line taken away and one added, and nothing else."""
_SUBJECT_LINE = re.compile(
    r"(?:邮件|信件|短信)?(?:主题|标题|题目|抬头|收件人|收信人|接收人|对象|场景|场合|风格|语气|日期|时间|发件人)\s*[:：]\s*[^\n，。！？]{1,40}|(?i:subject|title|re)\s*[:：]\s*[^\n]{1,60}"
)
_TITLE_LINE = re.compile(
    r"(?:《[^》\n]{1,30}》|【[^】\n]{1,30}】|〖[^〗\n]{1,30}〗|(?:标题|题目)\s*[:：][^\n]{1,40}"
    r"|[^\n，。！？!?~～：:、]{1,16}(?:祝福|祝福语|贺词|寄语|文案|·[^\n，。！？!?：:]{1,8}))\s*"
)
_FIELD = re.compile(
    r"(?:[一-鿿]{1,5}[ \t]{0,2}[:：=][ \t]{0,2})?(?P<value>[^\s,，。|｜;；:：/]{1,20})"
    r"(?:。?[ \t]{0,4}\n\s*|[,，。|｜;；/][ \t]{0,4})"
)
"""One of the things that were asked for, with or without a key."""
_COMMAS = ",，。"
"""What parts the things that were asked for and as well the words of a text."""
_SPOKEN = tuple("，,！!。~～")
"""What a line of the text itself ends with, and no heading."""
_OPENING = ' \t\n\u3000“「『（【"亲爱的'
"""What may stand before a name with which a text begins."""
_REQUEST = 80
"""Characters at the beginning of a text that may repeat what was asked for."""
_KEYED_LINE = re.compile(
    r"(?:要求|字数|长度|语气|风格|关系|主题|祝福语?|正文|输出|回答|内容)[ \t]{0,2}[:：=][ \t]{0,4}(?:[^\n，。]{1,16}\n\s*|(?=\S))"
)
_NOTHING_ELSE = re.compile(r"[\W_]*(?:祝|给|送|写|致|一条|风格|文风|祝福语?|的|[\W_])*")
_TITLE_INLINE = re.compile(
    r"(?:【[^】\n，。！？]{1,30}】|《[^》\n]{0,28}(?:祝|贺|寄|致|写给|献给|赠)[^》\n]{0,28}》)[ \t]*[:：]?[ \t]*(?=\S)"
)
_WRAPPED, _WHOLE = 1.0, -0.5
"""Scores of a line without a mark at its end: from the first it goes on in the next line, up to the second it
is whole."""
_WIDTH = 12
"""Characters from which lines may have been broken at a width."""
_COLUMN = 8
"""Lines of one character each from which a text is written from top to bottom."""
_NO_BEGINNING = "的了着过们得地吧呢啊呀吗"
"""What no clause begins with."""
_SLASH = QuickPattern(r"(?<=[。！？!?~～])\s*[/／|｜‖]\s*")
"""A stroke between two versions on one line."""
_SEPARATOR = re.compile(
    r"^[ \t]*(?:(?:[-*_=—~·+][ \t]*){3,}|或者?[：:，]?|or:?)[ \t]*$", re.MULTILINE | re.IGNORECASE
)
"""A line between two versions."""
_QUOTES = ('“”"＂', "「」", "『』", "‘’'")
"""Families of interchangeable quotation marks: opening, closing, and those that are both."""
_QUOTE_SIGNS = frozenset("".join(_QUOTES))
_BRACKETS = dict(zip("“「『【（([《〔{«〖<〝‹", "”」』】）)]》〕}»〗>〞›", strict=True))
_OPENERS = {close: sign for sign, close in _BRACKETS.items() if sign not in "“‘"}
_STRAY_CLOSER = re.compile(r"(?<=[。！？!?~～…\n])\s*([」』】）)\]》〕}»〗>〞›])\s*\Z")
"""A closing mark behind a whole text."""
_FRAME = re.compile(r"(?P<mark>[=|*＊_'’~^·—★☆✨＂-]{1,4})\s*(?P<body>[^\n].*?)\s*(?P=mark)", re.DOTALL)
"""The same marks before and behind a text."""
_ORNAMENT = re.compile(
    r"(?P<before>[^\w\s，。！？“”…\U0001f000-\U0001faff]{3,20})\s*(?P<body>[\u4e00-\u9fff].*?[^\s])"
    r"\s*(?P<after>[^\w\s，。！？“”…\U0001f000-\U0001faff]{3,20})",
    re.DOTALL,
)
"""Rows of marks of the same kinds before and behind a text."""
_DATA = re.compile(r"[{\[\s]*[\"'][^\"'，。]{1,20}[\"']\s*[:,]|[{\[\s]*\w{2,20}\s*:|\[\s*[\"']")
_HAN = re.compile(r"[\u3400-\u9fff]")
_STOPS = "。！!？?~～…"


def _markdown(text: str, _subject: Subject, _context: Context) -> Found | None:
    numbers = list(NUMBER.finditer(text.replace("*", ""))) if _NUMBER_HINT.search(text) is not None else []
    if not numbers and ((only_han(text) and "~~" not in text) or _MARKDOWN_HINT.search(text) is None):
        return None
    if len(numbers) > 1:
        return Found(_("有 {n} 个编号", n=len(numbers)))
    if "\n" in text and without_note(text) is not None:  # the number is the mark of a note
        return None
    if (acted := _GESTURE.match(text)) is not None:
        return Found(_("有 Markdown 记号或编号"), text[acted.end() :].strip())
    if _ACTED.search(text) or _STRUCK.search(text):  # without its marks it would read as part of the text
        return Found(_("有 Markdown 记号或编号"))
    if _DIFFERENCE.search(text) is not None:
        change = _ONE_CHANGE.fullmatch(text)
        return Found(_("有修改前后的两种写法"), change["now"] if change is not None else None)
    if (heading := _HEADING.match(text)) is not None:
        return Found(_("第一行是标题：{title}", title=heading["title"]), text[heading.end() :].strip())
    fixed = NUMBER.sub("", text)
    for pattern, replacement in _MARKDOWN:
        fixed = pattern.sub(replacement, fixed)
    if fixed == text:
        return None
    return Found(_("有 Markdown 记号或编号"), fixed.strip() or None)


def _repeats_the_task(line: str, subject: Subject) -> bool:
    """Returns whether a line says for whom, for what and in which style the text is, and nothing else."""
    parts = [part for part in (subject.name, subject.scene, subject.style) if part]
    if len(line) > 40 or sum(part in line for part in parts) < 2:
        return False
    for part in parts:
        line = line.replace(part, "")
    return _NOTHING_ELSE.fullmatch(line) is not None


def _request_end(text: str, subject: Subject) -> tuple[int, bool]:
    """Returns where a text begins behind its receiver, occasion and style, of which at least two stand before
    it: in lines with or without keys, or parted by marks; 0 if they do not. And whether that is sure: two
    with nothing but commas behind them may begin the text itself ("爸爸，除夕，我们都回来"), unless the
    receiver is called again behind them."""
    parts = {part for part in (subject.name, subject.scene, subject.style) if part}
    head = text[:_REQUEST]
    if sum(part in head for part in parts) < 2:
        return 0, False
    end, seen, sure, last = 0, 0, False, ""
    while (match := _FIELD.match(text, end)) is not None and match["value"].strip() in parts:
        parts.discard(match["value"].strip())
        last = text[match.end("value") : match.end()].strip()
        sure |= match.start("value") > match.start() or (last not in _COMMAS and last != "")
        end, seen = match.end(), seen + 1
    if seen < 2:
        return 0, False
    while (match := _KEYED_LINE.match(text, end)) is not None:
        end, sure = match.end(), True
    if len(_HAN.findall(text[end:])) < HARD_FLOOR:
        return 0, False
    sure |= seen > 2 or last == "" or _called_again(text[end:], subject.name)
    return end, sure


def _called_again(text: str, name: str) -> bool:
    """Returns whether a text begins with the name of its receiver."""
    return bool(name) and text.lstrip(_OPENING).startswith(name)


def _title(text: str, subject: Subject, context: Context) -> Found | None:
    end, sure = _request_end(text, subject)
    if end > 0 and (sure or context.recipe.blessings):  # elsewhere the matter is a clause as any other
        found = _("开头是标题：{title}", title=text[:end].strip())
        return Found(found, text[end:].strip() if sure else None)
    first, _newline, rest = text.strip().partition("\n")
    subject_line = rest and _SUBJECT_LINE.fullmatch(first) is not None
    if subject_line or _TITLE_LINE.fullmatch(first) or (rest and _repeats_the_task(first, subject)):
        spoken = (
            first.rstrip()[-1:] in _SPOKEN and not subject_line
        )  # "爸爸，新年快乐！" begins the text itself
        whole = not spoken or _called_again(rest, subject.name)
        return Found(
            _("第一行是标题：{title}", title=first.strip()), (rest.strip() or None) if whole else None
        )
    inner = text.strip()
    match = _TITLE_INLINE.match(inner)
    if match is None:
        return None
    score = words_score(match.group(), "") if inner[0] == "【" else SURE
    if score < DOUBT:  # a joke in the form of a notice
        return None
    fixed = inner[match.end() :] if score >= SURE else None
    return Found(_("开头是标题：{title}", title=match.group().strip()), fixed)


def _lines(text: str) -> list[str]:
    """Returns the lines of a text that hold something, without its title."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    while len(lines) > 1 and _TITLE_LINE.fullmatch(lines[0]):
        lines.pop(0)
    return lines


def _versions(text: str, subject: Subject, context: Context) -> int:
    """Returns how many texts an answer holds, as far as its lines show it: numbered ones, or lines of which
    each is long enough and which address the receiver again."""
    parts = _SLASH.pattern.split(text.strip()) if _SLASH.may_match(text) else []
    if len(parts) > 1 and all(len(_HAN.findall(part)) >= HARD_FLOOR for part in parts):
        return len(parts)
    if (labelled := labelled_texts(text)) > 1:
        return labelled
    if "\n" not in text.strip():
        return 1
    text = text.replace("*", "")
    numbered = [part for part in NUMBER.split(text) if len(part.strip()) >= HARD_FLOOR]
    if len(list(NUMBER.finditer(text))) > 1:
        return max(2, len(numbered))
    blocks = [part for part in _SEPARATOR.split(text) if len(_HAN.findall(part)) >= HARD_FLOOR]
    if len(blocks) > 1 and all(_calm(part, subject.name) for part in blocks):
        return len(blocks)
    lines = [line for line in _lines(text) if len(_HAN.findall(line)) >= HARD_FLOOR]
    if subject.name and sum(line.startswith(subject.name) for line in lines) > 1:
        return sum(line.startswith(subject.name) for line in lines)
    low, high = context.limits_of(subject) or (HARD_FLOOR, 0)
    wholes = [line for line in lines if len(line) >= low]
    if len(wholes) < 2:
        return 1
    if subject.name and sum(subject.name in line for line in wholes) > 1:
        return len(wholes)
    if subject.style in context.several_lines:
        return 1
    return len(wholes) if high and len("".join(lines)) > high else 1


def _calm(part: str, name: str) -> bool:
    """Returns whether a part of a text is a blessing that stands alone."""
    read = reading(part.strip(), name)
    return read.certain and (read.start, read.stop) == (0, len(read.pieces))


def _two_versions(text: str, subject: Subject, context: Context) -> Found | None:
    number = _versions(text, subject, context)
    return None if number < 2 else Found(_("一次给了 {n} 条，只能留一条", n=number))


def _several_lines(text: str, subject: Subject, context: Context) -> Found | None:
    if "\n" not in text.strip() or subject.style in context.several_lines:
        return None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(_lines(text)) < 2:
        return None
    if len(lines) >= _COLUMN and all(len(line) == 1 for line in lines):
        return Found(_("有 {n} 行", n=len(lines)), "".join(lines))
    read = reading(text, subject.name)
    bare = any(_HAN.search(line) is None for line in lines)  # a mark alone on its line
    wrapped = bare or _markdown(text, subject, context) is not None
    if wrapped or not read.certain or max(read.scores) >= SURE or _versions(text, subject, context) > 1:
        fixed = None
    else:
        fixed = _one_line(lines)
    return Found(_("有 {n} 行", n=len(lines)), fixed)


def _equally_long(lines: list[str]) -> bool:
    """Returns whether the lines were broken at a width: all but the last are about as long."""
    sizes = [len(line) for line in lines[:-1]]
    return (
        len(sizes) > 1
        and min(sizes) >= _WIDTH
        and max(sizes) - min(sizes) <= 2
        and len(lines[-1]) <= max(sizes)
    )


def _one_line(lines: list[str]) -> str | None:
    """Returns the lines joined, with a mark where one has none at its end, or nothing where a line was only
    full; None if it cannot be told which."""
    joined, full = lines[0], _equally_long(lines)
    for line in lines[1:]:
        if joined[-1].isalnum() and line[0].isalnum():
            if full or (end := unfinished_score(joined)) >= _WRAPPED or line[0] in _NO_BEGINNING:
                joined += line
                continue
            if end > _WHOLE:
                return None
            joined += "。" if "，" in joined.rsplit("。", 1)[-1] else "，"
        joined += line
    return joined


def _wrapping_quotes(text: str, _subject: Subject, _context: Context) -> Found | None:
    inner = text.strip()
    if (body := _unwrapped(inner)) is not None:
        return Found(_("整段套着引号或括号"), body)
    if (
        inner[-1:] in _OPENERS
        and (stray := _STRAY_CLOSER.search(inner)) is not None
        and _OPENERS[stray.group(1)] not in inner
    ):
        return Found(_("末尾的括号没有另一半"), inner[: stray.start()].strip())
    for family in () if _QUOTE_SIGNS.isdisjoint(signs_in(text)) else _QUOTES:
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
        elif last and inner[-1] != family[0] and _paired(inner[:-1], family):
            proposal = Found(_("末尾的引号没有另一半"), inner[:-1].strip())
        else:
            continue
        return proposal if any(char.isalnum() for char in proposal.fixed or "") else None
    return None


def _unwrapped(text: str) -> str | None:
    """Returns what stands between an opening mark at the start and its own closing mark at the end."""
    if text[:1] == text[-1:] == '"' and len(text) > HARD_FLOOR:
        inside = text[3:-3].strip() if text[:3] == text[-3:] == '"' * 3 else text[1:-1].strip()
        nested = '"' not in inside or (inside[0] == inside[-1] == '"' and inside.count('"') == 2)
        return inside if nested else None
    if text[:1].isalnum():
        return None
    close = _BRACKETS.get(text[:1])
    if text[:1] in ("{", "[") and _DATA.match(text):
        return None
    frame = _FRAME.fullmatch(text)
    if frame is not None and len(frame["body"]) >= HARD_FLOOR and frame["mark"] not in frame["body"]:
        return frame["body"]
    framed = _ORNAMENT.fullmatch(text)
    if framed is not None and set(framed["before"]) == set(framed["after"]):
        return framed["body"]
    if close is None or text[-1:] != close or len(text) <= HARD_FLOOR:
        return None
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign == text[0]) - (sign == close)
        if depth == 0 and place < len(text) - 1:
            return None
    body = text[1:-1].strip()
    return body if depth == 0 and any(mark in body for mark in "，。！？!?~") else None


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


def _spaces(text: str, subject: Subject, context: Context) -> Found | None:
    if only_han(text):
        return None
    letter = subject.style in context.several_lines and len(_INDENTED.findall(text.rstrip())) > 1
    end = match.start() if (match := _SIGNATURE.search(text)) is not None else len(text)
    bare, signature = text[:end], text[end:].rstrip()  # "学生 林远 敬上" is written with spaces
    if "\n" in signature:
        bare, signature = bare.rstrip(), bare[len(bare.rstrip()) :] + signature
    bare = bare.strip() if not letter else bare.lstrip("\r\n")
    fixed = _SPACE_RUN.sub(" ", _SPACE_BETWEEN.sub(_kept_hashtag, bare)) if not letter else bare
    fixed = (fixed + signature).rstrip()
    if "\n" in fixed and not letter:
        fixed = _BLANK_LINES.sub("\n\n", _LINE_SPACE.sub("\n", fixed))
    return Found(_("有多余的空白"), fixed) if fixed != text and fixed else None


def _kept_hashtag(match: re.Match[str]) -> str:
    return match.group() if match.group()[0] in "#@" else ""


_INDENTED = re.compile(r"^(?:\u3000{2}| {2,4})(?=\S)", re.MULTILINE)
"""The beginning of a paragraph of a letter."""
_SIGNATURE = re.compile(
    r"(?<=[。！？!?~～…\n])[\u4e00-\u9fff]{1,8}(?:[ \u3000][\u4e00-\u9fff]{1,6}){1,2}"
    r"(?:\n[^\n，。！？]{2,16})?\s*\Z"
)
"""The last line of a letter, or the one before its date."""
_LINE_SPACE = re.compile(r"[ \t\u3000]*\r?\n[ \t\u3000]*")
_BLANK_LINES = re.compile(r"\n{3,}")
_SPACE_RUN = re.compile(r"[ \t\u3000]{2,}")
_SPACE_BETWEEN = re.compile(
    r"[#@][^\s#@，。！？；：、]+[ \t\u3000]"  # the space that ends a hashtag or the name of an account stays
    r"|(?<=[\u4e00-\u9fff，。！？；：、])[ \t\u3000]+(?=[\u4e00-\u9fff，。！？；：、])"
)

_CLEAN = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"

WRAPPING_RULES = (
    Rule(
        "markdown",
        N_("Markdown 记号"),
        N_("加粗、井号、编号和代码框是给网页看的，正文里不该有。"),
        _markdown,
        bad=(
            Example(f"**{_CLEAN}**", _CLEAN),
            Example(f"# {_CLEAN}", _CLEAN),
            Example(f"1. {_CLEAN}", _CLEAN),
            Example(f"①{_CLEAN}", _CLEAN),
            Example(f"1️⃣ {_CLEAN}", _CLEAN),
            Example(f"一、{_CLEAN}", _CLEAN),
            Example(f"版本一：{_CLEAN}", _CLEAN),
            Example("妹妹，恭喜你~~毕业~~又长一岁，愿你天天都有好心情。"),
            Example(f"- 妹妹，祝你生日快乐。\n+ {_CLEAN}", _CLEAN),
            Example(f"- {_CLEAN}\n+ 妹妹，祝你生日快乐。\n+ 愿你平安喜乐，心想事成。"),
            Example(f"*轻声地* {_CLEAN}"),
            Example(f"```\n{_CLEAN}\n```", _CLEAN),
        ),
        good=(Example(_CLEAN), Example("祝妹妹生日快乐^_^愿你每一天都像今天一样闪闪发光。")),
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
            Example(f"{_CLEAN}\n】", _CLEAN),
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
        "title",
        N_("带标题"),
        N_("训练数据里只要正文本身，标题、书名号和方括号里的题目都去掉。"),
        _title,
        bad=(
            Example(f"《写给妹妹的祝福》\n{_CLEAN}", _CLEAN),
            Example(f"【生日祝福】\n{_CLEAN}", _CLEAN),
            Example(f"标题：生日祝福\n{_CLEAN}", _CLEAN),
            Example(f"邮件主题：恭贺生日\n\n{_CLEAN}", _CLEAN),
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
        "two_versions",
        N_("不止一条"),
        N_("一个回答里有几条，一条样本只要一条。留哪一条要人来选，也可以拆成几条样本。"),
        _two_versions,
        bad=(
            Example(f"{_CLEAN}\n妹妹，祝你岁岁平安，心里的愿望都能一样一样实现。"),
            Example("1. 妹妹，生日快乐，天天开心！\n2. 愿你岁岁平安，万事都如愿。"),
            Example("版本一：妹妹，生日快乐，天天开心！\n版本二：愿你岁岁平安，万事都如愿。"),
            Example("温馨版：妹妹，生日快乐，愿你天天开心！\n\n简短版：愿你岁岁平安，万事都如愿。"),
        ),
        good=(Example(_CLEAN), Example("妹妹，生日快乐！\n愿你新的一岁平安喜乐，每天都有好心情。")),
    ),
    Rule(
        "several_lines",
        N_("不止一行"),
        N_(
            "这种写法的样本只要一行；全是正文的几行会接成一行，缺的标点补上。诗和长信可以分行，在列表页设定。"
        ),
        _several_lines,
        bad=(
            Example("妹妹，生日快乐！\n愿你新的一岁平安喜乐，\n每天都有好心情。", _CLEAN),
            Example("妹妹，生日快乐！愿你新的一\n岁平安喜乐，每天都有好心情。", _CLEAN),
            Example("妹妹生日快乐\n愿你新的一岁平安喜乐", "妹妹生日快乐，愿你新的一岁平安喜乐"),
            Example(f"{_CLEAN}\n妹妹，祝你岁岁平安，心里的愿望都能一样一样实现。"),
        ),
        good=(
            Example(_CLEAN),
            Example("慈颜含笑坐春风，\n膝下儿孙乐意浓。\n愿借南山松上鹤，\n年年衔寿到堂中。", style="诗词赋"),
        ),
        safe=True,
        odd=True,
    ),
    Rule(
        "spaces",
        N_("多余空白"),
        N_("首尾的空格、汉字之间的空格和连着的空格没有意义。"),
        _spaces,
        bad=(Example(f" {_CLEAN}\n", _CLEAN), Example(_CLEAN.replace("快乐！", "快乐！ "), _CLEAN)),
        good=(Example(_CLEAN), Example("Happy birthday 妹妹，愿你天天开心，事事顺利。")),
        safe=True,
        odd=True,
    ),
)
