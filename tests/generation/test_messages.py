"""The messages in documents: each stays whole, and nobody's name comes with it."""

import json

import pytest

from tests.own_messages import CHAT, DRAGON_BOAT, LETTER, NEW_YEAR, NOTES, TEACHERS_DAY
from tianji_core.generation.knowledge import Document, read_document
from tianji_core.generation.knowledge.messages import WrittenMessage, messages_of
from tianji_core.generation.knowledge.people import names_sign, without_address


def test_a_message_of_a_chat_stays_whole_with_who_wrote_it() -> None:
    chat = [
        {"sender": "阿珍", "content": "阿强：\n元宵快乐\n\n妈妈：\n这一行还是阿珍写的"},
        {"sender": "阿强", "content": "同乐！"},
        {"sender": "妈妈", "content": "都早点回家吃饭"},
    ]
    document = read_document("与阿珍.json", json.dumps(chat).encode())
    assert messages_of(document) == [
        WrittenMessage("乙：\n元宵快乐\n\n妈妈：\n这一行还是甲写的", "甲", private=True),
        WrittenMessage("同乐！", "乙", private=True),
        WrittenMessage("都早点回家吃饭", "妈妈", private=True),
    ]


def test_an_export_of_wechat_gives_the_words_of_both() -> None:
    document = read_document("王老师.csv", CHAT.encode())
    found = messages_of(document)
    assert document.private and [each.by for each in found] == ["我", "甲", "我", "我", "我", "我", "甲"]
    assert found[0].text == f"甲，{TEACHERS_DAY}" and found[3].text == f"甲，{NEW_YEAR}"
    assert "老王" not in repr(found) and "王老师" not in repr(found)


def test_more_people_than_signs_are_told_apart() -> None:
    chat = [{"sender": f"成员{n:02}号", "content": f"第{n}条"} for n in range(25)]
    found = messages_of(read_document("群.json", json.dumps(chat).encode()))
    assert len({each.by for each in found}) == 25 and found[24] == WrittenMessage(
        "第24条", "戊3", private=True
    )


def test_a_letter_gives_its_paragraphs_without_its_subject() -> None:
    first, second, third = messages_of(read_document("外婆.eml", LETTER.encode()))
    assert first == WrittenMessage("端午节", private=True) and second.text.replace("\n", "") == DRAGON_BOAT
    assert third.text.startswith("合同第三条")


@pytest.mark.parametrize(("several_lines", "number"), [(False, 3), (True, 2)])
def test_other_texts_give_lines_or_paragraphs(several_lines: bool, number: int) -> None:
    document = Document("诗.txt", "0" * 64, "春风送暖，\n福满人间。\n  \n岁岁平安。")
    found = messages_of(document, several_lines)
    assert not document.private and len(found) == number and found[-1] == WrittenMessage("岁岁平安。")


def test_the_cells_of_a_table_and_an_odd_name_are_texts_like_others() -> None:
    assert [each.text for each in messages_of(Document("表.xlsx", "", "甲\t新年好\n\t\t乙"))] == [
        "甲",
        "新年好",
        "乙",
    ]
    named_so = Document("往来文字-1.txt", "", "新年快乐\n元宵快乐")
    assert messages_of(named_so) == [
        WrittenMessage("新年快乐", private=True),
        WrittenMessage("元宵快乐", private=True),
    ]
    assert len(messages_of(read_document("a.txt", NOTES.encode()))) == 4


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("乙，教师节快乐！", "教师节快乐！"),
        ("亲爱的戊3：生日快乐", "生日快乐"),
        ("丙新年好！", "新年好！"),
        ("丁祝您康复", "祝您康复"),
        ("丁香花开的时候来看您", "丁香花开的时候来看您"),
        ("甲方说下周付款", "甲方说下周付款"),
        ("姑妈，乙也祝您新年好", "姑妈，乙也祝您新年好"),
    ],
)
def test_the_sign_of_whom_a_message_addresses_is_taken_off(said: str, left: str) -> None:
    assert without_address(said) == left


@pytest.mark.parametrize(("said", "names"), [("记得叫上乙", True), ("照顾好自己，知己难得", False)])
def test_a_sign_within_a_message_is_seen(said: str, names: bool) -> None:
    assert names_sign(said) is names
