"""Whatever stands in a text is shown as it is, not carried out as markup."""

import pytest
from markdown_it import MarkdownIt

from pages.shared.text import plain

TEXTS = [
    "![图](http://127.0.0.1/x.png) [链接](http://127.0.0.1)",
    "<script>alert(1)</script><b>粗</b>",
    "# 标题\n1. 一\n- 二\n> 三\n* 四\n+ 五",
    "**粗** _斜_ `码` ~~删~~ $x^2$ :red[红] :smile: a -> b",
    "http://127.0.0.1 www.example.invalid a@b.invalid &amp; \\* | a | b |\n|---|---|",
    "连不上 http://127.0.0.1:6290/v1，请看 HTTPS://x.invalid/`a`)、www.example.invalid。写信给 a@b.invalid",
    "生日快乐呀~~🎂！！（真的）",
]


@pytest.mark.parametrize("text", TEXTS)
def test_every_sign_of_a_text_stays_a_sign(text: str) -> None:
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(plain(text))
    assert {token.type for token in tokens} == {"paragraph_open", "inline", "paragraph_close"}
    pieces = [child for token in tokens for child in token.children or []]
    assert {piece.type for piece in pieces} <= {
        "text",
        "text_special",
        "code_inline",
        "hardbreak",
        "softbreak",
    }
    written = [piece.content for piece in pieces if piece.type != "code_inline"]
    assert not any(sign in each.lower() for each in written for sign in ("http:", "www.", "a@b"))
    shown = "".join("\n" if piece.type.endswith("break") else piece.content for piece in pieces)
    assert shown == text
