"""Short texts in the legacy encodings of Chinese are told apart."""

import io

import pytest

from tianji_core.dataset.encodings import text_encoding
from tianji_core.gate.chinese_codecs import clear_chinese_codec
from tianji_core.generation.knowledge.documents import read_document

SIMPLIFIED = ("中秋", "朱镕基", "生日快乐", "外婆，生日快乐！", "退款已办理", "您好，快递放错了驿站，抱歉")
TRADITIONAL = (
    "中秋",
    "老師，教師節快樂！",
    "恭喜發財",
    "張總，恭喜升職",
    "林小姐，這次是我們的疏忽，非常抱歉",
)


@pytest.mark.parametrize(
    ("text", "codec"),
    [*((text, "gb18030") for text in SIMPLIFIED), *((text, "big5hkscs") for text in TRADITIONAL)],
)
def test_a_few_characters_are_enough(text: str, codec: str) -> None:
    data = text.encode(codec)
    assert clear_chinese_codec(data) == codec
    assert text_encoding(lambda: io.BytesIO(data), "a.txt") == codec
    assert read_document("a.txt", data).text == text


@pytest.mark.parametrize("data", [b"", b"plain", b"\xff\xfe\xff" * 40])
def test_what_is_neither_is_left_to_others(data: bytes) -> None:
    assert clear_chinese_codec(data) is None


def test_a_letter_that_names_the_narrower_encoding_is_read_whole() -> None:
    fields = (
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=gb2312",
        "Content-Transfer-Encoding: 8bit",
    )
    head = "\r\n".join(("Subject: hi", *fields, "", ""))
    letter = head.encode() + "喆姐，祝你双囍临门，一切都好，勿念。\r\n".encode("gbk")
    assert "喆姐，祝你双囍临门" in read_document("a.eml", letter).text
