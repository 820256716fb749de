"""A Chinese web page that a browser has printed to PDF is read as its text: the usual characters, whole
paragraphs."""

from playwright.sync_api import Page

from tianji_core.generation.knowledge.documents import read_document

PARAGRAPH = (
    "中秋节吃月饼是许多家庭的习惯，老师们也常在这一天收到学生送来的问候。人们坐在一起看月亮，聊一聊这一年的收获与辛苦，"
    "长辈见面要用敬语。"
)


def test_a_printed_page_has_the_usual_characters_and_whole_paragraphs(page: Page) -> None:
    page.set_content(
        f"<meta charset=utf-8><body style='width:520px'><h1>月饼与老师</h1><p>{PARAGRAPH}</p><p>第二段。</p>"
    )
    text = read_document("page.pdf", page.pdf()).text
    assert [part for part in text.split("\n") if part] == ["月饼与老师", PARAGRAPH, "第二段。"]
