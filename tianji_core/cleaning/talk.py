"""Rules that tell the blessing in an answer from talk about it. Each piece of the text is judged by
:mod:`tianji_core.cleaning.talk_model`."""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from tianji_core.cleaning.layers import NUMBER, without_escapes
from tianji_core.cleaning.quick import AT_ONCE, remembered
from tianji_core.cleaning.rule import HARD_FLOOR, Context, Example, Found, Rule, Subject, only_han, phrases
from tianji_core.cleaning.sentences import Piece, pieces
from tianji_core.cleaning.talk_model import (
    CLEAR,
    WordScores,
    elsewhere_score,
    plain,
    read_words,
    talk_scores_of,
    words_of,
    words_score,
)
from tianji_core.cleaning.unwrapping import LAYERS
from tianji_core.i18n import N_, _

SURE = 0.25
"""The score of pieces from which they are surely talk and may be removed, if :data:`KEPT` holds."""
DOUBT = 0.2
"""The score from which a piece may be talk."""
REMOVED = 0.7
"""The score that longer pieces must have to be removed: a remark of the blessing on itself may be above
SURE."""
FLAGGED = 0.2
"""The score from which a piece that stays needs a person."""
LEANS, WORDS = -0.25, 0.3
"""A piece that stays needs a person from the first score on, too, if its words alone have the second."""
AFTER_COLON, LOOSE_LEAD, LOOSE_CLOSING = 1.45, 3.0, 1.0
"""The scores that must be reached where less than the end of a line parts what goes from what stays: a colon,
or nothing but a stop."""
WORDS_ALONE = -1.5
"""The score of the words of the last piece below which its place does not make it talk."""
KEPT = -1.75
"""The score up to which the first and the last piece must be that are left when others are removed: where
there is talk, the next piece may be talk as well."""
BLESSING = -2.0
"""The score up to which a piece is surely blessing."""
CERTAIN = 4.0
"""The score of a piece whose form leaves no doubt that it is talk: a row of hashtags, a translation."""
PLAIN_BLESSING = -3.0
"""The score of its words alone up to which a longer piece is no talk, whatever stands round it."""
UNSURE, CLEARLY = -0.5, 1.5
"""Words below the first may only go where the score with their surroundings is above the second."""
ELSEWHERE = 0.75
"""The score from which a whole text is no blessing to anybody."""
ADDRESS = -3.0
"""The highest score of an address."""
_LABEL = 10
"""Characters that the label of a version has at most."""
_SHORT = 16
"""Characters below which a piece may be an address, an agreement or a label and nothing else."""
_ADDRESS = re.compile(
    r"[\s“「『（【>*#\"]*(?:亲爱|敬爱|尊敬|最爱|挚爱|可爱|我|最好|最棒|我最|的|老|好|大|小)*N{1,2}[：，！~\s]*"
)
_OPENING, _CLOSING_MARK = re.compile(r"\s*[“「『]"), re.compile(r"[”」』]")
_KIND = re.compile(r"\s*[【\[「『《〔（(]T+[】\]」』》〕）)][：]?\s*")
"""The name of a style in brackets, as a label."""
_GIVEN = re.compile(r"[\s（【>*#]*(?:写给|送给|发给|给|献给)(?:亲爱|敬爱|我|最好|的)*N(?:的[NS]*)?：\s*")
_TAGS = re.compile(r"\s*(?:#[^\s#，。！？]{1,20}#?\s*)+")
_ABOUT_TEXTS = re.compile(
    "祝福语|文案|语录|小红书|抖音|朋友圈|微博|话题|合集|大全|模板|笔记|素材|短句|句子|同款|热门|博主|转载|注明|出处|版权|仅供"
)
_TOPICS = re.compile("祝福|日常|分享|推荐|祝愿|文化|生活")
_NOTE_MARK = re.compile(r"[\u2460-\u2473¹²³†※]|\[\d\]")
"""What a note begins with and what the text has at the place that it is about."""
_NOTED = re.compile(r"\s*(?P<mark>[\u2460-\u2473¹²³†※*]|\[\d\])[^\n]+")
"""The last line of a text that is a note to a place above it."""
_DATE_LINE = re.compile(
    r"\s*[\d〇零一二三四五六七八九]{4}[年/.-][\d一二三四五六七八九十]{1,3}[月/.-][\d一二三四五六七八九十]{1,3}日?\s*"
)
"""A last line that is a date, as a letter has it."""
CONTACT = re.compile("|".join(f"(?:{pattern})" for pattern in phrases()["contact"]))
"""Ways to reach somebody, and links."""
_SIGNATURE = re.compile(
    r"(?:\n\s*(?:此致|敬礼|祝好|谨上|敬上|敬启)[！!。，,]?\s*)*\n\s*(?:——|--|[\u4e00-\u9fff]{1,4}：)?\s*"
    r"[\[【(（<{]\s*(?:请?(?:填|写|签)上?)?(?:您|你|自己|我|发送?人|寄信人|落款人|送礼人)?的?"
    r"(?:姓?名字?|姓名|名称|署名|签名|称呼|落款)(?:处|位置)?\s*[\]】）)>}]\s*\Z"
)
"""The end of a letter with a gap for the sender's name."""
_SENDER = re.compile(
    r"\s*[—–-]{1,3}\s*(?:[^，。！？：\n（(]{0,8}(?:[爱想念疼][着]?[你您]|永远|[你您]|咱家?)的[^，。！？：\n（(]{1,8}"
    r"|[^，。！？：\n（(]{1,10}(?:[敬谨拜叩顿]?[上首启贺]|[爸妈爷奶公婆姑姨叔伯舅哥姐弟妹儿女孙徒友]))\s*"
)
"""The last line of a letter: who sends it, by what they are to the receiver."""
_WHEN_AND_WHERE = re.compile(
    r"\s*(?:写?于[一-鿿]{1,8}|即[日夜]|[\d〇零一二三四五六七八九十廿初正腊]{1,4}[年月./-][\d〇零一二三四五六七八九十廿初年月日号夜晚晨./-]{1,10}"
    r"|[一-鿿]{0,4}[之]?(?:夜|夕|晨|晚|初秋|深秋|岁末|立[春夏秋冬])(?:于[一-鿿]{1,6})?)\s*"
)
"""The last line of a letter: its day and place."""
_NO_SENDER = re.compile(
    "智能|AI|[A-Za-z]{2}|助手|助理|伙伴|小编|佚名|名字|姓名|署名|机器人|模型|文案|祝福|版|以上|[_＿]{2}"
)
"""What nobody signs with who knows the receiver."""
_SIGNATURE_SIZE = 120
"""Characters at the end of a text in which its signature stands."""
_BLANK = re.compile(
    r"[_＿]{3,}|(?<![A-Za-z])[Xx]{2,}(?![A-Za-z])|[×○]{2,}|[（(【\[]\s*(?:此处|这里|请?在此)"
    r"|[（(【\[<{]\s*(?:[您你我]的?|发送?人|落款)?(?:姓名|名字|署名|签名|日期|年月日|时间|称呼|落款|公司|部门)?\s*[\]】）)>}]"
)
_BLANK_LINE = 40
"""Characters that a line of a signature with a blank has at most."""
_LAST_MARK = re.compile(
    r"(?:(?<=[。！？!?~～…\s])|(?=[（(【\[—]))[（(【\[—\-@A-Za-z完][^\n，。！？]{0,18}\s*\Z"
)
_END_MARK = re.compile(
    r"\s*(?:[（(【\[—\-]{1,3}\s*(?:完|全文完|END|The End|EOF|over)\s*[）)】\]—\-]{1,3}|(?:END|EOF|The End|\[DONE\])[。.]?|@[^\s@，。！？]{2,16})\s*",
    re.IGNORECASE,
)
"""An end mark or the name of an account: no part of a text."""
_ROUND = ("（", "(")
_VALUE = re.compile(
    r"[^，。！？：:]{1,6}[：:][^，。！？：:]{1,6}(?:[】\]）)][【\[（(][^，。！？：:]{1,6}[：:][^，。！？：:]{1,6})*"
)
"""A field and its value, as a program writes them."""
_ABOUT = re.compile(r"[^\n|｜]{1,12}(?:[|｜][^\n|｜]{1,14})+")
"""A line of fields with bars between them."""
_APART, _CLOSERS = re.compile(r"\s*[“「『（(【\[—*#>`<]"), tuple("”」』）)】]>`")
"""What begins a part of its own, and the marks at the end of one."""
_IN_BRACKETS = re.compile(r"\s*[（(【\[]([^（()）]*)[）)】\]]\s*")
_ASIDE = 1.0
"""The score of the words in brackets up to which they may be an aside of the blessing."""
_GLOSS = re.compile(
    r"\s*[（(【\[〔*]*(?:今译|译文|译|白话译文|白话|大意|释义|注释|注|解析|赏析|说明|备注|提示|创作说明|创作思路|English|Translation|Note"
    r"|Tips?|Explanation|Pinyin)[）)】\]〕*]*\s*(?:[:：]|(?<=[）)】\]〕]))",
    re.IGNORECASE,
)
_LABEL_LINE = 20
"""Characters of a line that are looked at for a label."""
_GLOSS_MARK = re.compile(r"#{1,3}\s?")
_ITEM = re.compile(
    r"\s*(?:[-*•·]|[\d一二三四五六]{1,2}[.、)）]|[\u2460-\u2473]|[（(][\d一二三四五六]{1,2}[)）])"
)
"""What an entry of a list of notes begins with."""
_ROUND_NAME = " \t\n\u3000，,：:！!~～"
"""What may stand round a short form of the receiver's name."""
_SPOKEN_TO = re.compile(r"[\s“「『（【>*#\"]*N(?![的NST之：])[^：]*$")
"""A short piece that begins with the receiver."""
_LABELS = 1.5
"""The score of the words of a label at the beginning from which a person looks at it."""
_LABEL_WORDS = re.compile(r"[^N您你，]{1,12}[：:]\s*")
_ADDRESSED = re.compile(r"[\s“「『（【*#\"]*(?:亲爱的|敬爱的|尊敬的|我的|祝|老|好)?N{1,2}(?![的之])")
_CUT_SHORT = re.compile(
    r"省略|未完|待续|篇幅|截断|字数(?:已到|超|上限|限制)|truncated|omitted", re.IGNORECASE
)
"""What says that the text is not whole."""
_CORRECTED = re.compile(
    r"(?:…+|—+|[，。！？（\s])(?:哦|啊|呃)?(?:不对|不好意思|抱歉|对不起|更正)[，,：:——…\s]*(?:写错了?|说错了?|打错了?|搞错了?|(?:应该|应)?是(?!不是)[^，。]{1,8}(?:才对|[，。！]))"
    r"|不对，应该|(?:上面|前面|刚才)(?:那[句段条]|的)?(?:写|说|弄)错了"
)
"""A correction of oneself: what stands before it was not meant."""
_CHOICE = re.compile(
    "任选|[选挑]一|其一|挑选|备选|供[您你]?[选挑]|[两三四五几2-5][个条则种]?(?:版|任)|哪[个条一]"
)
"""What says that there are several texts to choose from."""
_DECLINES = re.compile(
    "难以(?:写|给|提供|判断)|不便(?:写|代|提供)|无法(?:写|给|提供|判断|确定|满足|核实)|写不[了好]|写不出"
)
"""What says that the text is not what was asked for."""
_TAKE_IT = re.compile("祝福请[您你]?(?:收好|查收|收下|签收|笑纳)，(?!希望|如)[^，：:]{4}")
"""The receiver is asked to take the wish that follows in the same sentence."""
_BRACKET = re.compile(r"\s*[（(【][^）)】]*\Z")
"""A bracket that a later piece closes."""
_LEADS = re.compile(
    r"\s*(?:(?:好的|好嘞|当然|当然可以|没问题|明白了?|了解了?|可以的|OK|Sure|Of course|Certainly|Okay)[，,！!。.~～\s]*"
    r"|(?:最终|以下是)?(?:回答|答|答案|回复|正文|输出|结果|成品|祝福|祝福语|文案|answer|output|response|result|text)(?:如下)?\s*[:：]\s*)",
    re.IGNORECASE,
)
_POINTS = re.compile(
    r"这[条份段篇则]|这样的|以[上下]|如下|上[述面]|本(?=[文短]|$)|修改|调整|替换|改写|润色|版本?[一二三两本\d：:]|字数|\d+字|要求|说明|注[：:]|备注|参考"
    r"|再写|重写|撰写|生成|模板|文案|标题|题目|AI|助手|模型|需要我|提示词|输出|回复既|话术"
)
"""By what a sentence speaks of the text or to whoever asked for it; other tasks than blessings have sentences
that look like talk and are none."""
_POINTED, _PLAIN_TALK, _ALL_TALK = 2.25, 5.0, 2.0
"""The score of talk in a text of another task: with one of these words, without, and of all pieces of a text
together."""
_MARKS = re.compile(r"(?:[^\u3400-\u9fffA-Za-z0-9]|[哦啦呀呢哟喔嘛咯噢啰哩啊](?=[^\u3400-\u9fff]|$))*")


class Reading(NamedTuple):
    """How a text was understood: its pieces with their scores; the blessing is ``pieces[start:stop]``.
    ``certain`` says that these hold a sure blessing and, where others are left out, nothing else. ``words``
    are what the words of each piece say."""

    pieces: list[Piece]
    scores: list[float]
    start: int
    stop: int
    certain: bool
    words: list[WordScores]

    def between(self, start: int, stop: int, text: str) -> str:
        """Returns the part of ``text`` from one piece to before another."""
        if start >= stop:
            return ""
        return text[self.pieces[start].start : self.pieces[stop - 1].end].strip()


@remembered
def reading(text: str, name: str = "") -> Reading:
    """Returns how a text for ``name`` is understood."""
    cut = pieces(text)
    said = words_of(cut, name)
    scores = talk_scores_of(cut, said)
    if (
        max(scores, default=0.0) < CLEAR
        and text[:1] not in _ROUND
        and not any(sign in text for sign in "#\n：:")
    ):
        return Reading(cut, scores, 0, len(cut), _surely_blessing(scores), said)
    leads = True
    for n, piece in enumerate(cut):
        if _MARKS.fullmatch(piece.text):  # marks, emoji and particles belong to the piece before
            begins = piece.start == 0 or text[piece.start - 1] == "\n"
            beside = n + 1 if begins else n - 1
            scores[n] = scores[beside] if 0 <= beside < len(cut) else -0.1
        elif piece.text.lstrip()[:1] == "#" and _TAGS.fullmatch(piece.text):
            scores[n] = _tags_score(piece.text, scores[n], n > 0 and cut[n - 1].text.count("\n") > 1)
        elif (
            n
            and n == len(cut) - 1
            and (_is_signed(piece.text) or (piece.own_line and _WHEN_AND_WHERE.fullmatch(piece.text)))
        ):
            scores[n] = min(scores[n], ADDRESS)
        elif len(piece.text) < _SHORT:
            scores[n] = _certain_score(piece.text, name, leads and n + 1 < len(cut), scores[n])
        if "祝福请" in piece.text and _TAKE_IT.search(piece.text) is not None:
            scores[n] = min(scores[n], BLESSING)
        if _OPENING.match(piece.text) and not _CLOSING_MARK.search(piece.text):  # what is quoted stays whole
            scores[n] = min(scores[n], 0.0)
        if n < 3 and _BRACKET.match(piece.text):
            scores[n] = min(scores[n], 0.0)
        leads = leads and scores[n] >= SURE
    _gloss(cut, scores, text)
    _label_before_address(cut, scores, name)
    directed = _direction(cut, scores, name)
    start = _talk_before(scores)
    if start < len(cut) and scores[-1] < CERTAIN and _says_more_than_its_place(cut[-1].text, name):
        scores[-1] = min(scores[-1], DOUBT - 0.1)
    stop = len(scores) - _talk_before(scores[start:][::-1])
    if start < stop - 1 and stop < len(cut) and _is_label(cut[stop - 1].text) and scores[stop - 1] > BLESSING:
        stop -= 1  # the label of what goes
    gone = [n for n in (*range(start), *range(stop, len(cut))) if scores[n] < CERTAIN]
    words = [_words(cut[n].text, name) for n in gone]
    if start >= stop or any(score <= PLAIN_BLESSING for score in words):  # another version
        return Reading(cut, scores, 0, len(cut), False, said)
    read = Reading(cut, scores, start, stop, directed, said)
    return read._replace(certain=_is_clear(text, name, read, words))


def read_before(texts: Iterable[tuple[str, str]]) -> None:
    """Makes ready to read many texts, each for a name: their words are read all at once."""
    read_words((pieces(text), name) for text, name in texts)


def _is_clear(text: str, name: str, read: Reading, words: list[float]) -> bool:
    """Returns whether what ``read`` leaves out surely goes, and nothing else; ``read.certain`` says that it
    begins with a direction, ``words`` are the scores of the words of what goes without being certain."""
    cut, scores, start, stop, directed, _said = read
    gone = [n for n in (*range(start), *range(stop, len(cut))) if scores[n] < CERTAIN]
    kept = scores[start:stop]
    edges = [*([kept[0]] if start else []), *([kept[-1]] if stop < len(cut) else [])]
    clear = not gone or (max(edges, default=KEPT) <= KEPT and max(kept) < DOUBT)
    clear = clear and all(alone > UNSURE or scores[n] > CLEARLY for n, alone in zip(gone, words, strict=True))
    clear = clear and all(
        scores[n] >= REMOVED
        or _LEADS.fullmatch(cut[n].text)
        or (n >= stop and len(cut[n].text.strip()) <= _SHORT // 2)
        for n in gone
    )
    clear = clear and _parted(cut, scores, start, stop)
    clear = clear and (_surely_blessing(kept) if gone else max(kept) < DOUBT and sum(kept) <= BLESSING)
    clear = clear and (labelled_texts(text) < 2 or not _labelled(text[cut[start].start : cut[stop - 1].end]))
    around = [cut[n].text for n in (*range(start), *range(stop, len(cut)))]
    clear = clear and not any(
        _CUT_SHORT.search(said) or _DECLINES.search(said) or _CHOICE.search(said) for said in around
    )
    clear = clear and not any(_calls(cut[n].text, name) for n in gone)  # another version
    asides = [n for n in (*range(start), *range(stop, stop + 1)) if n < len(cut) and _may_be_aside(cut[n])]
    return clear and (directed or not asides)


def _says_more_than_its_place(text: str, name: str) -> bool:
    """Returns whether the words of a last piece speak to somebody and are no talk, whatever its place."""
    spoken = "你" in text or "您" in text or (name != "" and name in text)
    return (
        spoken and len(text) >= _SHORT // 2 and words_score(text, name if name in text else "") < WORDS_ALONE
    )


def _reading_in(text: str, name: str, context: Context) -> Reading:
    """Returns how a text is understood in the recipe of ``context``: where no blessings are written, only
    what speaks of the text or to whoever asked for it is talk."""
    read = reading(text, name)
    if context.recipe.blessings:
        return read
    word = context.recipe.words.text
    told = [_speaks_of_text(p, score, word) for p, score in zip(read.pieces, read.scores, strict=True)]
    first = read.pieces[0].text if len(read.pieces) > 1 else ""
    labelled = (
        re.fullmatch(rf"\s*{re.escape(word)}(?:[函信书]|短信|内容|正文|如下)*[:：]\s*", first) is not None
    )
    start, stop = read.start, read.stop
    if (start, stop) == (0, len(told)) and not all(told):  # what is left is like no blessing
        start, stop = told.index(False), len(told) - told[::-1].index(False)
    start = max((n + 1 for n in range(start) if told[n]), default=int(labelled))
    stop = min((n for n in range(stop, len(told)) if told[n]), default=len(told))
    scores = [s if is_told else min(s, LEANS * 2) for s, is_told in zip(read.scores, told, strict=True)]
    certain = _certainly_around(read, start, stop) if (start, stop) != (0, len(told)) else read.certain
    return Reading(read.pieces, scores, start, stop, certain, read.words)


def _certainly_around(read: Reading, start: int, stop: int) -> bool:
    """Whether what stands around ``pieces[start:stop]`` of a text of another task surely goes: as the judge
    of blessings says, or clear talk on lines and in brackets of its own."""
    if read.certain and (start, stop) == (read.start, read.stop):
        return True
    gone = [n for n in range(len(read.pieces)) if not start <= n < stop]
    lead = start == 0 or read.pieces[start - 1].text.endswith("\n")
    behind = read.pieces[stop].text if stop < len(read.pieces) else ""
    apart = not behind or read.pieces[stop - 1].text.endswith("\n") or behind.lstrip()[:1] in _ROUND
    return lead and apart and min(read.scores[n] for n in gone) > CLEARLY


def _speaks_of_text(piece: Piece, score: float, word: str) -> bool:
    """Whether a piece of a text of another task speaks of the text, which is called ``word``."""
    text = piece.text.strip()
    if _TAGS.fullmatch(piece.text):
        return False
    if _LEADS.fullmatch(piece.text) or score >= _PLAIN_TALK:
        return score >= SURE
    points = _POINTS.search(text) is not None
    if word in text and (points or _is_label(text) or piece.own_line or _IN_BRACKETS.fullmatch(text)):
        return score >= FLAGGED
    return points and score >= _POINTED


def _is_signed(text: str) -> bool:
    """Returns whether the last piece is the signature of somebody who knows the receiver."""
    return _SENDER.fullmatch(text) is not None and _NO_SENDER.search(text) is None


def _parted(cut: list[Piece], scores: list[float], start: int, stop: int) -> bool:
    """Returns whether what stands before and behind ``cut[start:stop]`` is parted from it by a line's end,
    brackets or a dash, or is the surer talk."""
    lead = [scores[n] for n in range(start) if not _LEADS.fullmatch(cut[n].text)]
    edge = cut[start - 1].text if start else ""
    if lead and not (edge.endswith("\n") or _APART.match(cut[start].text) or edge.rstrip()[-1:] in _CLOSERS):
        least = AFTER_COLON if edge.rstrip()[-1:] in ("：", ":") else LOOSE_LEAD
        if min(lead) < least:
            return False
    closing, last = scores[stop:], cut[stop - 1].text
    apart = last.endswith("\n") or (stop < len(cut) and _APART.match(cut[stop].text) is not None)
    return apart or min(closing, default=LOOSE_CLOSING) >= LOOSE_CLOSING


def _labelled(text: str) -> bool:
    """Whether a part of a text stands behind a number or a label of its own."""
    return NUMBER.search(text.replace("*", "")) is not None or labelled_texts(text) > 0


def _calls(text: str, name: str) -> bool:
    """Whether a piece calls the receiver and says something to them that is not surely talk."""
    if not name or len(text.strip()) < _SHORT // 2 or _ADDRESSED.match(plain(text, name)) is None:
        return False
    return words_score(text, name if name in text else "") < 0


def _direction(cut: list[Piece], scores: list[float], name: str) -> bool:
    """Raises the score of words in round brackets with which a text begins before it calls its receiver: how
    it is said, or what is done; and of such at its end. Returns whether there are some."""
    if len(cut) < 2 or not _is_direction(cut[0].text) or not _calls(cut[1].text, name):
        return False
    scores[0] = max(scores[0], REMOVED)
    if len(cut) > 2 and _is_direction(cut[-1].text):
        scores[-1] = max(scores[-1], REMOVED)
    return True


def _is_direction(text: str) -> bool:
    """Whether words in round brackets speak to nobody and of no sender."""
    bare = text.strip()
    if bare[:1] not in _ROUND or _IN_BRACKETS.fullmatch(bare) is None:
        return False
    return not any(sign in bare for sign in "你您我") and _BLANK.search(bare) is None


def _may_be_aside(piece: Piece) -> bool:
    """Whether a piece in brackets may be an aside of the blessing: brackets alone look like talk. On a line
    of its own it is none, unless it speaks to somebody."""
    inside = _IN_BRACKETS.fullmatch(piece.text)
    if inside is None or (piece.own_line and not any(sign in piece.text for sign in "你您")):
        return False
    if _BLANK.search(piece.text) or _VALUE.fullmatch(inside[1]):
        return False
    return words_score(inside[1], "") <= _ASIDE


def _words(text: str, name: str) -> float:
    """Returns the score of the words of a longer piece; a short one says little."""
    return words_score(text, name if name in text else "") if len(text) >= _SHORT // 2 else 0.0


def labelled_texts(text: str) -> int:
    """Returns how many texts of an answer stand behind a number or a label of their own: short words before
    a colon that are no part of a blessing."""
    if "\n" in text and (numbers := len(NUMBER.findall(text.replace("*", "")))) > 1:
        return numbers
    if text.count("：") + text.count(":") < 2:
        return 0
    return sum(
        len(label.text) <= _LABEL
        and _is_label(label.text)
        and len(said.text) >= _SHORT // 4
        and words_score(label.text, "") > 1
        and words_score(said.text, "") < BLESSING
        for label, said in pairwise(pieces(text))
    )


def _gloss(cut: list[Piece], scores: list[float], text: str) -> None:
    """Raises the scores of what follows the label of an explanation or translation at the beginning of a line
    behind the blessing, up to the end of the line, or of the list that follows: it may well read like a
    blessing. So do the parts of a line of fields, and of a list under a heading of its own."""
    glossed = False
    for n, piece in enumerate(cut):
        begins = n > 0 and text[piece.start - 1] == "\n"
        listed = begins and glossed and _ITEM.match(piece.text) is not None
        labelled = begins and (
            _GLOSS.match(_GLOSS_MARK.sub("", text[piece.start : piece.start + _LABEL_LINE], 1))
            or _heads_a_list(cut, n)
            or _is_about(text[piece.start :].partition("\n")[0])
        )
        glossed = (glossed and not begins) or listed or bool(labelled)
        if glossed:
            scores[n] = CERTAIN


def _heads_a_list(cut: list[Piece], n: int) -> bool:
    """Whether a piece behind a blank line is a heading on a line of its own with a list under it."""
    return (
        n + 1 < len(cut)
        and cut[n].own_line
        and _is_label(cut[n].text)
        and cut[n - 1].text.count("\n") > 1
        and _ITEM.match(cut[n + 1].text) is not None
    )


def _is_about(line: str) -> bool:
    """Whether a line consists of fields with bars between them, two of which have a name."""
    return line.count("：") + line.count(":") > 1 and _ABOUT.fullmatch(line.strip(" *_")) is not None


def _label_before_address(cut: list[Piece], scores: list[float], name: str) -> None:
    """Raises the score of a label at the beginning that is followed by the address of the receiver: who
    wrote the text, or what kind it is."""
    if len(cut) < 2 or not _is_label(cut[0].text):
        return
    if words_score(cut[0].text, "") > _LABELS:
        scores[0] = max(scores[0], FLAGGED)
    first, then = plain(cut[0].text, name), plain(cut[1].text, name)
    if not name or _LABEL_WORDS.fullmatch(first) is None or _ADDRESSED.match(then) is None:
        return
    words = words_score(cut[0].text, "")
    if words > 0.5:
        scores[0] = max(scores[0], SURE)
    elif words > -1.0:
        scores[0] = max(scores[0], FLAGGED)


def _is_label(text: str) -> bool:
    return len(text) < _SHORT and text.rstrip()[-1:] in ("：", ":")


def is_all_blessing(text: str, name: str) -> bool:
    """Returns whether nothing stands round the blessing in a text."""
    read = reading(text, name)
    return (read.start, read.stop) == (0, len(read.pieces)) and _unwrapped(text)


def _certain_score(text: str, name: str, leads: bool, score: float) -> float:
    """Returns the score of a short piece whose form is certain: an address belongs to the blessing, an
    agreement and a label in front (``leads``) do not."""
    bare = plain(text, name)
    short = text.strip(_ROUND_NAME)
    if _ADDRESS.fullmatch(bare) or (len(short) > 1 and name.endswith(short)):
        return min(score, ADDRESS)
    if _SPOKEN_TO.match(bare):
        score = min(score, SURE - 0.1)  # it may be doubtful, it is not surely talk
    labels = leads and (_LEADS.fullmatch(text) or _GIVEN.fullmatch(bare) or _KIND.fullmatch(bare))
    return max(score, REMOVED) if labels else score


def _tags_score(text: str, score: float, apart: bool) -> float:
    """Returns the score of a row of hashtags: they are part of the message unless one speaks of texts, or a
    blank line parts (``apart``) a row of the words of a platform."""
    topics = _ABOUT_TEXTS.search(text) or (apart and _TOPICS.search(text))
    return CERTAIN if topics else min(score, LEANS - 0.05)


@lru_cache(maxsize=2 * AT_ONCE)
def _unwrapped(text: str) -> bool:
    """Returns whether no layer is left round the text: what is inside is judged when it stands alone."""
    if only_han(text):
        return True
    return without_escapes(text) == text and all(
        (seen := layer(text)) is None or seen.text == text for layer in LAYERS
    )


def _talk_before(scores: list[float]) -> int:
    """Returns how many pieces at the beginning are talk: up to the last that surely is, before the first that
    leans to blessing."""
    best = 0
    for number, score in enumerate(scores, start=1):
        if score <= -DOUBT:
            break
        if score >= SURE:
            best = number
    return best


def _surely_blessing(scores: list[float]) -> bool:
    """Returns whether pieces hold a sure blessing, and more of it than of what may be talk."""
    return min(scores, default=0) <= BLESSING and sum(scores) <= BLESSING


def _lead_in(text: str, subject: Subject, context: Context) -> Found | None:
    read = _reading_in(text, subject.name, context)
    if not read.start or not _unwrapped(text):
        return None
    words = read.between(0, read.start, text)
    both = _is_direction(read.pieces[0].text) and _is_direction(read.pieces[-1].text)
    stop = read.stop if both else len(read.pieces)  # the one at the end is known by the other
    fixed = read.between(read.start, stop, text) if read.certain else None
    return Found(_("有开场白：{words}", words=words[:30]), fixed)


def _before_signature(text: str) -> int | None:
    """Returns where a signature begins that has a blank for a name or a date, None without one."""
    text = text.rstrip()
    if (signature := _SIGNATURE.search(text, max(0, len(text) - _SIGNATURE_SIZE))) is not None:
        return signature.start()
    lines = text.rsplit("\n", 3)
    first = len(lines)
    while first > 1 and len(line := lines[first - 1]) < _BLANK_LINE and _BLANK.search(line):
        if any(mark in line for mark in "，。！？"):
            break
        first -= 1
    return sum(len(line) + 1 for line in lines[:first]) if first < len(lines) else None


def without_note(text: str) -> str | None:
    """Returns a text without its last line where that is a note to a mark above it, and without the mark."""
    before, _newline, last = text.rstrip().rpartition("\n")
    noted = _NOTED.fullmatch(last)
    if noted is None or noted["mark"] not in before:
        return None
    place = before.rfind(noted["mark"])
    if (
        place == before.rfind("\n") + 1 or before.count(noted["mark"]) > 1
    ):  # a list, or something between marks
        return None
    return (before[:place] + before[place + len(noted["mark"]) :]).rstrip()


def _last_line_end(text: str, subject: Subject, context: Context) -> str | None:
    """Returns a text without a last line that its form shows to be no part of it: a note, or a date where the
    style has one line."""
    if (noted := without_note(text)) is not None:
        return noted
    before, _newline, last = text.rstrip().rpartition("\n")
    dated = subject.style not in context.several_lines and _DATE_LINE.fullmatch(last) is not None
    return before.rstrip() if dated and before.strip() else None


def _advertised(text: str, read: Reading) -> str | None:
    """Returns a text without its last sentence where that says how to reach somebody and speaks to nobody as
    the rest does."""
    last = read.pieces[-1] if len(read.pieces) > 1 else None
    if last is None or only_han(last.text) or CONTACT.search(last.text) is None:
        return None
    if read.scores[-1] <= BLESSING or any(sign in last.text for sign in "你您我"):  # the sender's own number
        return None
    kept = read.scores[:-1]
    sure = max(kept) < LEANS and kept[-1] <= BLESSING and CONTACT.search(text[: last.start]) is None
    return text[: last.start].rstrip() if sure else None


def _closing(text: str, subject: Subject, context: Context) -> Found | None:
    if (mark := _LAST_MARK.search(text)) is not None and _END_MARK.fullmatch(mark.group()):
        return Found(_("末尾有多余的话：{words}", words=mark.group().strip()), text[: mark.start()].strip())
    if "\n" in text and (end := _before_signature(text)) is not None:
        return Found(_("末尾有多余的话：{words}", words=text[end:].strip()[:30]), text[:end].strip())
    if "\n" in text and (kept := _last_line_end(text, subject, context)) is not None:
        return Found(_("末尾有多余的话：{words}", words=text[len(kept) :].strip()[:30]), kept)
    read = _reading_in(text, subject.name, context)
    if (kept := _advertised(text, read)) is not None:
        return Found(_("末尾有多余的话：{words}", words=text[len(kept) :].strip()[:30]), kept)
    if read.stop == len(read.pieces) or not _unwrapped(text):
        return None
    words = read.between(read.stop, len(read.pieces), text)
    fixed = read.between(0, read.stop, text) if read.certain else None
    if fixed is not None and (mark := _NOTE_MARK.search(words, 0, _SHORT)) is not None:
        fixed = fixed.replace(mark.group(), "")
    return Found(_("末尾有多余的话：{words}", words=words[:30]), fixed)


def _is_all_talk(read: Reading) -> bool:
    """Whether no piece leans to a text and all of them together are clear talk."""
    return min(read.scores, default=0.0) > UNSURE and sum(read.scores) >= _ALL_TALK


def _talk(text: str, subject: Subject, context: Context) -> Found | None:
    if ("不对" in text or "错" in text or "更正" in text) and (again := _CORRECTED.search(text)) is not None:
        return Found(_("像是在和提问的人说话：{words}", words=again.group()))
    if not context.recipe.blessings and _is_all_talk(reading(text, subject.name)):
        return Found(_("像是在和提问的人说话：{words}", words=text.strip()[:30]))
    read = _reading_in(text, subject.name, context)
    if max(read.scores, default=LEANS - 1) < LEANS:
        return None
    doubtful = (
        piece.text.strip()
        for piece, score in list(zip(read.pieces, read.scores, strict=True))[read.start : read.stop]
        if score >= FLAGGED
        or (score >= LEANS and _words(piece.text, subject.name) >= WORDS)
        or (score >= LEANS and _is_label(piece.text) and words_score(piece.text, "") > _LABELS)
    )
    if (words := next(doubtful, None)) is None or not _unwrapped(text):
        return None
    return Found(_("像是在和提问的人说话：{words}", words=words[:30]))


def _not_blessing(text: str, subject: Subject, _context: Context) -> Found | None:
    read = reading(text, subject.name)
    enough = -0.5 if len(text) >= HARD_FLOOR else 0.0
    whole = max(read.scores, default=DOUBT) < DOUBT and sum(read.scores) <= enough
    if (read.start, read.stop) != (0, len(read.pieces)):  # another rule names what is wrong
        return None
    if whole and elsewhere_score(text, read.words) >= ELSEWHERE and _unwrapped(text):
        return Found(_("不像是写给谁的祝福"))
    if whole or min(read.scores, default=0.0) <= -0.5 or not _unwrapped(text):
        return None
    return Found(_("看不出哪一段是祝福"))


_CLEAN = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"

TALK_RULES = (
    Rule(
        "lead_in",
        N_("开场白"),
        N_("“内容如下：”这样的话是模型在和提问的人说话，不是正文。"),
        _lead_in,
        bad=(
            Example(f"当前祝福语如下：{_CLEAN}", _CLEAN),
            Example(f"好的，以下是送给妹妹的祝福语：\n{_CLEAN}", _CLEAN),
            Example(f"这是一条生日祝福：{_CLEAN}", _CLEAN),
            Example(f"当然可以！祝福语如下：{_CLEAN}", _CLEAN),
            Example(f"祝福语：{_CLEAN}", _CLEAN),
            Example(f"Sure! Here is a birthday blessing for your sister:\n\n{_CLEAN}", _CLEAN),
            Example(f"你可以这样对妹妹说：{_CLEAN}", _CLEAN),
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
        N_("“希望你喜欢”“如需修改请告诉我”和字数说明都不是正文。"),
        _closing,
        bad=(
            Example(f"{_CLEAN}希望这条祝福你能喜欢！", _CLEAN),
            Example(f"{_CLEAN}（共28字）", _CLEAN),
            Example(f"{_CLEAN}\n如果需要修改，请随时告诉我。", _CLEAN),
            Example(f"{_CLEAN}字数：28", _CLEAN),
        ),
        good=(
            Example(_CLEAN),
            Example(f"{_CLEAN}希望这份礼物你能喜欢。"),
            Example("妹妹生日快乐！希望你往后的每一天都像今天一样开心。"),
        ),
        safe=True,
    ),
    Rule(
        "talk",
        N_("夹着别的话"),
        N_("中间有像是对提问者说的话，或者分不清是不是正文的话；要人来看。"),
        _talk,
        bad=(Example(f"{_CLEAN}或者换一个更活泼的版本：妹妹生日快乐，愿你天天开心！"),),
        good=(
            Example(_CLEAN),
            Example(f"好的，以下是祝福语：{_CLEAN}"),
            Example(
                "🥮给妹妹的中秋祝福请收好，想要的都能得到，把好心情装进口袋呀", scene="中秋节", style="小红书"
            ),
        ),
    ),
    Rule(
        "not_blessing",
        N_("看不出祝福"),
        N_("没有一段像祝福，修正不会动它；要人来看。"),
        _not_blessing,
        wishes=True,
        bad=(
            Example("好的，以下是为您写的文案："),
            Example("请问您想要什么风格的文案？我可以再写几版。"),
            Example(
                "端午节起源于中国，最初是上古先民举行祭祀的节日，后来加入了纪念屈原的内容。", scene="端午节"
            ),
            Example("昨晚的决赛主队三比一逆转取胜，队长梅开二度，赛后获评全场最佳。"),
        ),
        good=(Example(_CLEAN), Example("祝妹妹开心！")),
    ),
)
