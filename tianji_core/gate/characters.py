"""One form of every character of a text from outside.

A PDF often names the characters of its text by their radicals (⽉ instead of 月), web pages carry spaces and
joiners that cannot be seen. A model would learn them as other characters. NFKC as a whole would go too far:
it turns ，！？ into ASCII marks and … into three dots.
"""

import re
import unicodedata

_RADICALS = (
    "⺁厂⺄乙⺅亻⺆冂⺇几⺈刀⺉刂⺋㔾⺌小⺍小⺎尣⺏尣⺓幺⺕彐⺖忄⺗㣺⺘扌⺙攵⺛旡⺜日⺝月⺞歺⺟母⺠民⺡氵⺢氺⺣灬⺤爫⺦丬⺧牛⺨犭⺪疋⺫目⺬示⺭礻⺮竹⺯糹⺰纟"
    "⺱罓⺲罒⺳㓁⺶羊⺹耂⺺肀⺼月⺽臼⺾艹⺿艹⻀艹⻁虎⻂衤⻃覀⻄西⻅见⻆角⻈讠⻉贝⻊足⻋车⻌辶⻍辶⻎辶⻏阝⻐钅⻑長⻒镸⻓长⻔门⻖阝⻗雨⻘青⻙韦⻚页⻛风⻜飞⻝食⻟飠⻠饣"
    "⻢马⻣骨⻤鬼⻥鱼⻦鸟⻧卤⻨麦⻩黄⻪黾⻫斉⻬齐⻭歯⻮齿⻯竜⻰龙⻱龜⻲亀⻳龟"
)
"""Radicals of the block 'CJK Radicals Supplement', each before the character it stands for
(EquivalentUnifiedIdeograph.txt of Unicode, which NFKC does not cover)."""
_SPACES = dict.fromkeys(
    map(ord, "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f"), " "
)
_UNSEEN = dict.fromkeys(
    map(ord, "\u00ad\u200b\u2060\ufeff\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
)
_CONTROLS = dict.fromkeys([*range(0x09), *range(0x0E, 0x20), 0x7F])
_FORMS = {
    **{ord(_RADICALS[at]): _RADICALS[at + 1] for at in range(0, len(_RADICALS), 2)},
    **{code: unicodedata.normalize("NFKC", chr(code)) for code in range(0x2F00, 0x2FD6)},
    **_SPACES,
    **_UNSEEN,
    **_CONTROLS,
    **{code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)},
    0x0B: "\n",
    0x0C: "\n",
    0x2028: "\n",
    0x2029: "\n\n",
}
_MISREAD = re.compile("[ÃÂâåæçèé][\u0080-\u00bf]")
"""UTF-8 that was read as Latin-1: its spaces and controls are bytes of other characters, and a rule of the
cleaning mends them as a whole."""
_ODD = re.compile("[" + "".join(re.escape(chr(code)) for code in _FORMS) + "]")


def standard_characters(text: str) -> str:
    """Returns ``text`` with the usual characters for radicals, ligatures and compatibility ideographs, line
    feeds for carriage returns and the separators of Unicode and one kind of space, without control and
    invisible characters. Full-width marks and the joiners within emoji stay as they are."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _MISREAD.search(text):
        return text
    composed = unicodedata.normalize("NFC", text)
    return composed.translate(_FORMS) if _ODD.search(composed) else composed
