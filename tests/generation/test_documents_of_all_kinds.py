"""Files as people have them: written by the programs that write such files, and hostile ones."""

import io
import json
import mailbox
import subprocess
import sys
import zipfile
from email.message import EmailMessage
from pathlib import Path

import openpyxl
import pytest

from tianji_core.errors import InputError
from tianji_core.generation.knowledge import read_document, without_names
from tianji_core.generation.knowledge.decoding import decoded
from tianji_core.generation.knowledge.people import People

QQ = """消息记录（此消息记录为文本格式，不支持重新导入）

================================================================
消息对象:王小明
================================================================

2024-02-10 8:00:01 王小明(123456789)
赵老师，新年好！我是小明，搬到北京市海淀区中关村大街27号院3号楼501了。

2024-02-10 8:05:12 赵国栋<zhao@qq.com>
小明新年好！电话还是13812345678吗？卡号6222 0212 3456 7890 123
[图片]
"""
WECHAT = "张三 2024-02-10 08:00\n李四，祝你龙年大吉！\n\n李四 2024-02-10 08:01:33\n同喜同喜，张三也要好好的\n\n张三 2024-02-10 08:02\n好\n"
TABLE = (
    "localId,Type,IsSender,StrContent,StrTime,NickName,Sender\n"
    "1,1,1,新年快乐啊老同学,2024-02-10 08:00:00,陈晓东,我\n"
    "2,3,0,<msg>x</msg>,2024-02-10 08:00:00,陈晓东,陈晓东\n"
    "3,1,0,晓东祝您全家安康,2024-02-10 08:00:00,陈晓东,陈晓东\n"
)
MESSAGES = {
    "session": {"x": 1},
    "messages": [
        {"sender": "阿珍", "content": "阿珍祝大家元宵快乐"},
        {"sender": {"name": "阿强"}, "content": "同乐！"},
    ],
}
PAGE = (
    "<html><body><div>2024-02-10 08:00:00 张三</div><div>李四，祝你龙年大吉！</div>"
    "<div>2024-02-10 08:01:33 李四</div><div>同喜同喜</div><div>2024-02-10 08:02:33 李四</div><div>再见</div></body></html>"
)
UTF8 = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit"
BILIBILI = {
    "body": [
        {"from": n, "to": n + 1, "content": said} for n, said in enumerate(("大家好", "大家好", "讲腊八"))
    ]
}
SRT = "1\r\n00:00:01,000 --> 00:00:02,000\r\n<i>祝你</i>\r\n生日快乐\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\n切蛋糕\r\n"
VTT = "WEBVTT\n\nNOTE 注释\n不是字幕\n\nid1\n00:01.000 --> 00:02.000 align:start\n<v 小王>你好<00:01.500>啊\n"
ASS = (
    "[Script Info]\nTitle: x\n[Events]\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\an8}你好，世界\\N第二行\nComment: 0,0,0,D,,0,0,0,,不要\n"
)


REMARKS = (
    "localId,Type,IsSender,StrContent,StrTime,Remark,NickName,Sender\n"
    '1,1,1,"王老师，新年好！论文您改了七遍，我一直记着。",2024-02-10 08:01:02,王老师(高中),老王,我\n'
    "2,1,0,谢谢，老王我也祝你顺利。,2024-02-10 08:03:02,王老师(高中),老王,wxid_abc123\n"
    '3,3,0,"<msg><img aeskey=""x""/></msg>",2024-02-10 08:03:40,王老师(高中),老王,wxid_abc123\n'
)
"""A talk as an export of WeChat writes it, with what the phone calls the other person."""
GROUP = {
    "name": "高三二班",
    "type": "private_supergroup",
    "messages": [
        {"id": 1, "type": "service", "actor": "张伟", "action": "create_group", "text": ""},
        {"id": 2, "type": "message", "from": "张伟", "text": "各位新年好！盼着五月聚会。"},
        {"id": 3, "type": "message", "from": "Liu Fang", "text": [
            {"type": "mention", "text": "@zhangwei_88"}, " 先结饭钱", {"type": "bold", "text": "哈哈"}]},
        {"id": 4, "type": "message", "from": None, "photo": "(File not included)", "text": ""},
        {"id": 5, "type": "message", "from": "张伟", "text": "结，Liu Fang 作证。"},
    ],
}  # fmt: skip
"""A group of Telegram, which begins with what is no message."""


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("remarks.csv", REMARKS, "我：甲，新年好！论文您改了七遍，我一直记着。\n甲：谢谢，甲我也祝你顺利。"),
        (
            "group.json",
            json.dumps(GROUP),
            "甲：各位新年好！盼着五月聚会。\n乙：@某某 先结饭钱哈哈\n甲：结，乙 作证。",
        ),
        (
            "qq.txt",
            QQ,
            "甲：赵老师，新年好！我是甲，〔地址〕了。\n乙：甲新年好！电话还是〔电话〕吗？卡号〔卡号〕",
        ),
        ("wechat.txt", WECHAT, "甲：乙，祝你龙年大吉！\n乙：同喜同喜，甲也要好好的\n甲：好"),
        ("wechat.csv", TABLE, "我：新年快乐啊老同学\n甲：甲祝您全家安康"),
        ("chat.json", json.dumps(MESSAGES), "甲：甲祝大家元宵快乐\n乙：同乐！"),
        ("bilibili.json", json.dumps(BILIBILI), "大家好\n讲腊八"),
        ("a.srt", SRT, "祝你\n生日快乐\n切蛋糕"),
        ("b.srt", SRT.replace("\r\n\r\n", "\r\n"), "祝你\n生日快乐\n切蛋糕"),
        ("a.vtt", VTT, "你好啊"),
        ("a.ass", ASS, "你好，世界\n第二行"),
        ("plain.txt", "今天是2024-02-10 08:00，开会。\n张三也来", "今天是2024-02-10 08:00，开会。\n张三也来"),
    ],
)
def test_what_is_said_is_read_and_nobody_is_named(name: str, text: str, expected: str):
    assert read_document(name, text.encode()).text == expected


def test_a_chat_on_a_page_is_read_as_a_chat():
    read = read_document("chat.html", PAGE.encode()).text
    assert "龙年大吉" in read and "张三" not in read and "李四" not in read


def letter(to: str, subject: str, body: str, html: bool = False) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "林雨薇 <lin@example.com>", to, subject
    message.set_content(body, subtype="html" if html else "plain")
    return message


def test_letters_of_years_are_read_without_quotes_and_names(tmp_path: Path):
    box = mailbox.mbox(tmp_path / "sent.mbox")
    old = "谢谢小林\n\n在 2023年1月21日，周建国 <zhou@example.com> 写道：\n> 去年的旧话"
    box.add(
        letter(
            "周建国 <zhou@example.com>",
            "新年好",
            "建国叔叔：\n祝您兔年吉祥！\nFrom 心里\n-- \n林雨薇\n13912345678",
        )
    )
    box.add(letter("周建国 <zhou@example.com>", "回复", old))
    box.add(letter("王阿姨 <w@example.com>", "生日", "<p>祝您<b>生日快乐</b></p>", html=True))
    box.flush()
    read = read_document("sent.mbox", (tmp_path / "sent.mbox").read_bytes()).text
    assert "祝您兔年吉祥！\nFrom 心里" in read and "生日快乐" in read and "谢谢小林" in read
    for secret in ("林雨薇", "建国", "example.com", "13912345678", "去年的旧话"):
        assert secret not in read
    one = read_document("one.eml", letter("王阿姨 <w@example.com>", "端午", "粽子香").as_bytes()).text
    assert one == "端午\n粽子香"


def test_further_names_are_replaced_on_request():
    read = read_document("a.txt", "小明和 Ann 在星光幼儿园，Annie 也在".encode())
    assert without_names(read, ["小明", "星光幼儿园", "Ann", ""]).text == "某某和 某某 在某某，Annie 也在"


def test_the_name_of_a_file_names_nobody():
    chat = read_document("与张三的聊天记录.txt", WECHAT.encode())
    assert "张三" not in chat.name and chat.name.endswith(".txt")
    plain = read_document("与张三的约定.txt", "守时".encode())
    assert without_names(plain, ["张三"]).name == "与某某的约定.txt"


def test_a_short_name_is_hidden_only_where_a_name_stands():
    people = People()
    for name in ("强", "高兴"):
        people.sign(name)
    said = "我是强\n强，你好\n@高兴 强烈推荐，今天很高兴"
    assert people.without(said) == "我是甲\n甲，你好\n@乙 强烈推荐，今天很高兴"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("总价 1234567 元", "总价 1234567 元"),
        ("圆周率是3.14159265358", "圆周率是3.14159265358"),
        ("1.13812345678 小王", "1.〔电话〕 小王"),
        ("群号1234567。", "群号〔号码〕。"),
        ("发到 a.b@qq.com谢谢", "发到 〔邮箱〕谢谢"),
        ("寄，浙江省杭州市西湖区文三路5号2栋301室", "寄，〔地址〕"),
    ],
)
def test_numbers_of_people_are_hidden_and_amounts_stay(text: str, expected: str):
    assert People().without(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01 09:00 签到\n2024-05-01 10:00 讲座开始",
        "2024年5月1日 08:30 星期三\n去公园\n2024年5月8日 08:30 星期三 晴\n回家",
    ],
)
def test_a_timetable_and_a_diary_are_no_chats(text: str):
    assert read_document("a.txt", text.encode()).text == text


def test_what_stands_before_a_chat_is_kept():
    assert read_document("a.txt", f"春节问候\n{WECHAT}".encode()).text.startswith("春节问候\n甲：")


def test_big5_whose_sample_ends_in_a_character_is_read():
    text = "祝您身體健康，萬事如意，闔家歡樂。\n" * 3000
    data = b"a" + text.encode("big5")
    assert decoded(data) == "a" + text
    assert decoded(data[:1] + data[1:].replace(b"\n", b"")) == "a" + text.replace("\n", "")


@pytest.mark.parametrize("header", ["To: =?utf-8?b?!!!?=", "To: a@[", "From: <", "Subject: =?x?q?=ff?="])
def test_a_broken_header_leaves_the_other_letters(header: str):
    box = f"From a\n{header}\n{UTF8}\n\n祝好\n\nFrom b\n{UTF8}\n\n端午安康\n"
    read = read_document("a.mbox", box.encode()).text
    assert "祝好" in read and "端午安康" in read


def test_what_stands_below_a_quote_is_read():
    body = "On Mon, Jan 1, 2024, A <a@b.c> wrote:\n> 旧话\n\n我的回答\n------ 原始邮件 ------\n更旧的话"
    assert read_document("a.eml", f"Subject: x\n{UTF8}\n\n{body}".encode()).text == "x\n我的回答"
    unmarked = "回答\nOn Mon, Jan 1, 2024, A <a@b.c> wrote:\n旧话"
    assert read_document("a.eml", f"Subject: x\n{UTF8}\n\n{unmarked}".encode()).text == "x\n回答"


def test_the_limit_of_memory_can_be_raised_for_pictures():
    program = (
        "import resource as r\nfrom tianji_core.generation.knowledge import conversion as c\n"
        "c._limit_memory()\na = r.getrlimit(r.RLIMIT_AS)[0]\nc._limit_memory(c.SIGHT_MEMORY)\n"
        "assert r.getrlimit(r.RLIMIT_AS)[0] - a > 2 * 1024**3"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "春节"
    sheet.append(["称谓", None, "祝福"])
    sheet.append(["外婆", 1, "福如东海"])
    book.create_sheet("空")
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def archive(members: dict[str, str | bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return target.getvalue()


def slides(second: str = "福如东海") -> bytes:
    """Two slides, shown in the order that their files are not named in."""
    main = "http://schemas.openxmlformats.org/presentationml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    drawing = "http://schemas.openxmlformats.org/drawingml/2006/main"

    def slide(text: str) -> str:
        return (
            f'<p:sld xmlns:p="{main}" xmlns:a="{drawing}"><a:p><a:r><a:t>{text[:2]}</a:t></a:r>'
            f"<a:r><a:t>{text[2:]}</a:t></a:r></a:p></p:sld>"
        )

    relation = '<Relationship Id="r{n}" Type="x" Target="slides/slide{n}.xml"/>'
    return archive(
        {
            "ppt/presentation.xml": f'<p:presentation xmlns:p="{main}" xmlns:r="{office}"><p:sldIdLst>'
            '<p:sldId id="1" r:id="r2"/><p:sldId id="2" r:id="r1"/></p:sldIdLst></p:presentation>',
            "ppt/_rels/presentation.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/'
            f'package/2006/relationships">{relation.format(n=1)}{relation.format(n=2)}</Relationships>',
            "ppt/slides/slide1.xml": slide(second),
            "ppt/slides/slide2.xml": slide("祝外婆生日快乐"),
        }
    )


def book(chapter: str = "<p>腊八要喝粥</p>") -> bytes:
    return archive(
        {
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
            '<rootfiles><rootfile full-path="OEBPS/content.opf"/></rootfiles></container>',
            "OEBPS/content.opf": '<package xmlns="http://www.idpf.org/2007/opf"><manifest>'
            '<item id="b" href="b%20.xhtml"/><item id="a" href="a.xhtml"/></manifest>'
            '<spine><itemref idref="a"/><itemref idref="b"/></spine></package>',
            "OEBPS/a.xhtml": f"<html><body><h1>第一章</h1>{chapter}</body></html>",
            "OEBPS/b .xhtml": "<html><body><p>祭灶</p><script>x()</script></body></html>",
        }
    )


def test_slides_tables_and_books_are_read_in_their_order():
    assert read_document("a.pptx", slides()).text == "祝外婆生日快乐\n\n福如东海"
    assert read_document("a.xlsx", workbook()).text == "春节\n称谓\t祝福\n外婆\t1\t福如东海"
    assert read_document("a.epub", book()).text == "第一章\n腊八要喝粥\n\n祭灶"


def test_what_a_slide_holds_for_programs_of_several_ages_is_read_once():
    main = "http://schemas.openxmlformats.org/presentationml/2006/main"
    choice = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    drawing = "http://schemas.openxmlformats.org/drawingml/2006/main"

    def words(text: str) -> str:
        return f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p>" if text else "<p:pic/>"

    def ways(first: str, second: str) -> str:
        newer = f'<m:Choice Requires="p14">{words(first)}</m:Choice>'
        return f"<m:AlternateContent>{newer}<m:Fallback>{words(second)}</m:Fallback></m:AlternateContent>"

    slide = (
        f'<p:sld xmlns:p="{main}" xmlns:m="{choice}" xmlns:a="{drawing}">'
        f"{words('退货须知')}{ways('七天之内可以退货', '七天之内可以退货')}{ways('', '运费由商家承担')}</p:sld>"
    )
    with zipfile.ZipFile(io.BytesIO(slides())) as file:
        members = {name: file.read(name) for name in file.namelist()}
    read = read_document("a.pptx", archive({**members, "ppt/slides/slide1.xml": slide})).text
    assert read == "祝外婆生日快乐\n\n退货须知\n七天之内可以退货\n运费由商家承担"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("谢谢", "gbk"),
        ("谢谢！", "gbk"),
        ("谢谢", "utf-8"),
        ("мама мыла раму", "utf-8"),
        ("спасибо", "utf-8"),
    ],
)
def test_a_word_in_gbk_that_is_utf_8_too_is_read_as_chinese(text: str, encoding: str):
    assert read_document("a.txt", text.encode(encoding)).text == text


OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
LAUGHS = '<!DOCTYPE x [<!ENTITY a "哈哈"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("bomb.xlsx", archive({"xl/workbook.xml": b"0" * (300 * 1024**2)})),
        ("bomb.epub", archive({"META-INF/container.xml": b"0" * (300 * 1024**2)})),
        ("entities.pptx", archive({"ppt/_rels/presentation.xml.rels": f"{LAUGHS}<Relationships/>"})),
        ("entities.epub", archive({"META-INF/container.xml": f"{LAUGHS}<container>&b;</container>"})),
        ("file.epub", archive({"META-INF/container.xml": f"{OUTSIDE}<container>&a;</container>"})),
        ("no.pptx", b"PK\x03\x04 nothing"),
        ("no.xlsx", archive({"other": "x"})),
        ("deep.json", b"[" * 100_000),
        ("list.json", b"[1, 2]"),
        ("list.csv", b"a,b\n1,2\n"),
        ("empty.srt", b"1\n00:00:01,000 --> 00:00:02,000\n\n"),
        ("empty.eml", b"Subject: \n\n"),
    ],
)  # fmt: skip
def test_a_hostile_or_empty_file_is_refused_by_name(name: str, data: bytes):
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        read_document(name, data)
