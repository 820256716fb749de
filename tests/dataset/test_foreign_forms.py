"""Files in the forms that other programs write: the shape of an item is read from what its turns hold, and
the content of a file decides how it is read."""

import csv
import io
import json
import zipfile
from typing import Any

import openpyxl
import pyarrow
import pytest
from pyarrow import parquet

from tianji_core import dataset
from tianji_core.dataset import Turn, conversation_of
from tianji_core.dataset.encodings import encoding_title
from tianji_core.dataset.fields import ShapeError
from tianji_core.dataset.workbooks import workbook_items
from tianji_core.errors import ImportFileError
from tianji_core.spreadsheet import sheet_rows
from tianji_core.store import datasets, samples
from tianji_core.store.samples import SampleFilter
from tianji_core.workspace import Workspace

Q, A = "祝妈妈生日", "妈妈生日快乐，愿您笑口常开！"
ALL = SampleFilter("wishes")


def message(role: str, text: Any, key: str = "content") -> dict:
    return {"from" if key == "value" else "role": role, key: text}


SHAREGPT = [message("human", Q, "value"), message("gpt", A, "value")]
FORMS: dict[str, Any] = {
    "firefly": {"kind": "Generation", "input": Q, "target": A},
    "firefly of turns": {
        "conversation_id": 1,
        "category": "x",
        "conversation": [{"human": Q, "assistant": A}],
    },
    "belle": {"instruction": Q, "input": "", "output": A},
    "belle of turns": {"instruction": f"Human: {Q}\nAssistant: ", "input": "", "output": A},
    "moss 3": {
        "meta_instruction": "你是 MOSS",
        "chat": {"turn_1": {"Human": f"<|Human|>: {Q}<eoh>\n", "MOSS": f"<|MOSS|>: {A}<eom>\n"}},
    },
    "moss 2": {"prefix": "", "plain_text": f"[Human]: {Q}<eoh> [MOSS]: {A}<eoa>"},
    "coig": {"textbox_question": Q, "textbox_answer": A, "textbox_answer_analysis": ""},
    "coig of turns": {"instruction": "你是祝福师", "conversations": [{"question": Q, "answer": A}]},
    "ultrachat": {"id": "1", "data": [Q, A]},
    "sharegpt": {"conversations": [message("human", Q, "value"), message("gpt", A, "value")]},
    "sharegpt, other names": {"conversations": [message("User", Q, "value"), message("bot", A, "value")]},
    "keys of two forms": {"conversations": [message("human", Q), {"from": "assistant", "content": A}]},
    "turns under messages": {"messages": [{"input": Q, "output": A}]},
    "openai": {"messages": [message("developer", "系统"), message("user", Q), message("assistant", A)]},
    "openai parts": {
        "messages": [
            message("user", [{"type": "text", "text": Q}]),
            message("assistant", A),
            message("system", ""),
        ]
    },
    "xtuner": {"conversation": [{"system": "系统", "input": Q, "output": A, "need_eos_token": True}]},
    "llama factory": {"instruction": Q, "input": None, "output": A, "system": "系统", "history": []},
    "llama factory preference": {
        "conversations": [message("human", Q, "value")],
        "chosen": message("gpt", A, "value"),
        "rejected": message("gpt", "不写", "value"),
    },
    "trl": {"prompt": Q, "completion": A},
    "trl of messages": {"prompt": [message("user", Q)], "completion": [message("assistant", A)]},
    "trl preference": {"chosen": [message("user", Q), message("assistant", A)], "rejected": []},
    "query": {"query": Q, "response": A, "history": "[]"},
    "chinese": {"问题": Q, "答案": A},
    "list of messages": [message("user", Q), message("assistant", A)],
    "chatml": {"text": f"<|im_start|>user\n{Q}<|im_end|>\n<|im_start|>assistant\n{A}<|im_end|>\n"},
    "openai preference": {
        "input": {"messages": [message("user", Q)]},
        "preferred_output": [message("assistant", A)],
        "non_preferred_output": [message("assistant", "不写")],
    },
    "hh-rlhf": {
        "chosen": f"\n\nHuman: {Q}\n\nAssistant: {A}",
        "rejected": f"\n\nHuman: {Q}\n\nAssistant: 不",
    },
    "two answers of a question": {"question": Q, "response_chosen": A, "response_rejected": "不写"},
    "gemini": {
        "contents": [{"role": "user", "parts": [{"text": Q}]}, {"role": "model", "parts": [{"text": A}]}]
    },
    "columns of turns": {"conversations": {"from": ["human", "gpt"], "value": [Q, A]}},
    "translated": {
        "trans_instruction": Q,
        "trans_output": A,
        "instruction": "Wish",
        "output": "Happy birthday",
    },
    "in two languages": {
        "instruction_zh": Q,
        "output_zh": A,
        "instruction": "Wish",
        "output": "Happy birthday",
    },
    "translation left empty": {"input": Q, "output": A, "trans_input": "", "output_zh": None},
    "traditional": {"問題": Q, "回答": A},
    "bytes": {"input": Q.encode(), "output": A.encode()},
    "greeted, and a last question without answer": {
        "conversations": [message("gpt", "你好", "value"), *SHAREGPT, message("human", "谢谢", "value")]
    },
    "self-instruct": {"instruction": Q, "instances": [{"input": "<noinput>", "output": A}]},
    "turns of a table beside a content": {"conversations": json.dumps(SHAREGPT), "content": "生日"},
    "turns of a table beside a summary": {"conversations": json.dumps(SHAREGPT), "summary": "生日"},
    "replies beside the answer": {"input": Q, "output": A, "replies": []},
    "mapping beside the answer": {"input": Q, "output": A, "mapping": {}},
    "alpaca without its first heading": {"text": f"{Q}\n### Input:\n\n### Response:\n{A}"},
    "alpaca in its template": {"text": f"Below is a task.\n\n### Instruction:\n{Q}\n\n### Response:\n{A}"},
    "guanaco": {"text": f"### Human: {Q}### Assistant: {A}"},
    "llama 2": {"text": f"<s>[INST] <<SYS>>\n系统\n<</SYS>>\n\n{Q} [/INST] {A} </s>"},
    "llama 3": {
        "text": f"<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n{Q}<|eot_id|>"
        f"<|start_header_id|>assistant<|end_header_id|>\n\n{A}<|eot_id|>"
    },
    "chinese llama": {"text": f"<s>Human: {Q}\n</s><s>Assistant: {A}\n</s>"},
    "baize": {"input": f"The conversation of a human and an AI.\n[|Human|] {Q}\n[|AI|] {A}\n[|Human|] "},
    "prompt in a template": {"prompt": f"<|user|>\n{Q}</s>\n<|assistant|>\n", "completion": f"{A}</s>"},
    "whole and chosen": {
        "prompt": Q,
        "chosen": [message("user", Q), message("assistant", A)],
        "messages": [message("user", Q), message("assistant", A)],
    },
    "openassistant": {
        "prompt": {
            "text": Q,
            "role": "prompter",
            "replies": [
                {"text": "差", "role": "assistant", "rank": 1, "replies": []},
                {"text": A, "role": "assistant", "rank": 0, "replies": []},
            ],
        }
    },
    "chatgpt": {
        "mapping": {
            "1": {"message": None, "parent": None, "children": ["2"]},
            "2": {
                "message": {"author": {"role": "user"}, "content": {"parts": [Q]}},
                "parent": "1",
                "children": ["3", "4"],
            },
            "3": {
                "message": {"author": {"role": "assistant"}, "content": {"parts": [A]}},
                "parent": "2",
                "children": [],
            },
            "4": {"message": None, "parent": "2", "children": []},
        },
        "current_node": "3",
    },
    "claude": {"chat_messages": [{"sender": "human", "text": Q}, {"sender": "assistant", "text": A}]},
    "langchain": {
        "messages": [{"type": "human", "data": {"content": Q}}, {"type": "ai", "data": {"content": A}}]
    },
    "qianfan": [{"prompt": Q, "response": [[A]]}],
    "chatglm": {"content": Q, "summary": A},
    "thoughts beside the answer": {"input": Q, "reasoning_content": "想", "content": A},
    "flan": {"inputs": Q, "targets": A},
    "generations": {"instruction": Q, "generation": A},
    "as python writes lists": {"conversations": str(SHAREGPT)},
    "array of numpy": {"conversations": str(SHAREGPT).replace("}, {", "}\n {")},
    "conversation of messages": {"conversation": {"messages": SHAREGPT}},
    "list within a list": {"messages": [SHAREGPT]},
    "answer before the question": {"data": {"answer": A, "prompt": Q}, "id": 1},
    "fields of a record": {"fields": {"prompt": Q, "response": A}, "responses": []},
}


@pytest.mark.parametrize("item", FORMS.values(), ids=FORMS)
def test_public_forms_give_the_question_and_the_answer(item: Any) -> None:
    assert conversation_of(item).turns == (Turn(Q, A),)


@pytest.mark.parametrize(
    ("item", "asked"),
    [
        ({"prompt": f"译成英文。\n### Input: {Q}\n### Response:", "completion": A}, f"译成英文。\n{Q}"),
        ({"prompt": f"### System: 简短\n### Input: {Q}\n### Response:", "completion": A}, Q),
        (
            {"instruction": "比较", "input": "### Input: 甲\n### Input: 乙", "output": A},
            "比较\n### Input: 甲\n### Input: 乙",
        ),
        (
            {"instruction": "续写", "input": "<|im_start|>甲\n一<|im_start|>乙\n二", "output": A},
            "续写\n<|im_start|>甲\n一<|im_start|>乙\n二",
        ),
    ],
)
def test_a_heading_of_an_input_keeps_what_stands_before_it(item: dict, asked: str) -> None:
    assert conversation_of(item).turns == (Turn(asked, A),)


def test_an_export_whose_last_message_is_no_name_is_read_from_its_leaves() -> None:
    exported = {**FORMS["chatgpt"], "current_node": ["3"]}
    exported["mapping"] = {key: node for key, node in exported["mapping"].items() if key != "4"}
    assert conversation_of(exported).turns == (Turn(Q, A),)


def test_what_a_conversation_loses_is_named(workspace: Workspace) -> None:
    forms = ("greeted, and a last question without answer", "openassistant", "thoughts beside the answer")
    opened = [
        {"prompt": f"译：\n### Human: {Q}\n### Assistant:", "completion": A},
        {"plain_text": f"聊天\n[Human]: {Q}<eoh> [MOSS]: {A}<eoa>"},
        FORMS["llama 3"],
    ]
    content = json.dumps([*(FORMS[form] for form in forms), *opened]).encode()
    notices = "\n".join(dataset.preview_bytes(workspace, "wishes", content, "x.json").notices)
    assert "一句招呼" in notices and "最后一问没有回答" in notices
    assert "2 项的第一个说话人记号" in notices
    assert "几个回答" in notices and "reasoning_content" in notices


def test_a_preview_in_the_terminal_says_how_many_turns_came_before(workspace: Workspace) -> None:
    item = {"instruction": "再短一点", "input": "", "output": "妈妈生日快乐！", "history": [[Q, A]]}
    content = json.dumps([item], ensure_ascii=False).encode()
    lines = dataset.preview_lines(dataset.preview_bytes(workspace, "wishes", content, "x.json"))
    assert lines[1] == "1. （前面 1 轮）再短一点 → 妈妈生日快乐！"


def test_an_answer_keeps_a_name_and_a_colon_at_its_beginning() -> None:
    told = conversation_of({"input": Q, "output": "用户：您好！\n助手：祝您生日快乐！"})
    assert told.turns == (Turn(Q, "用户：您好！\n助手：祝您生日快乐！"),)


def test_turns_follow_their_numbers_and_a_context_belongs_to_the_question() -> None:
    chat = {f"turn_{n}": {"Human": f"{Q}{n}", "MOSS": f"{A}{n}"} for n in (10, 2, 1)}
    assert [turn.input for turn in conversation_of({"chat": chat}).turns] == [f"{Q}{n}" for n in (1, 2, 10)]
    dolly = {"instruction": "写一句祝福", "context": Q, "response": A}
    assert conversation_of(dolly).turns == (Turn(f"写一句祝福\n{Q}", A),)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"input": Q, "output": A, "输出": "另一条"}, "output 和 输出"),
        ({"input": Q, "output": "NaN"}, "output 是空的"),
        ({"input": Q, "output": float("nan")}, "output 是空的"),
        ({"input": "None", "output": A}, "没有 input"),
        ({"prompt": Q, "completion": A, "label": False}, "标为不好"),
        ({"messages": [message("user", Q), message("assistant", None), message("tool", "3")]}, "空"),
        ({"messages": [message("user", Q), message("function", "3")]}, "工具"),
        ({"messages": [message("user", [{"type": "image_url"}]), message("assistant", A)]}, "image_url"),
        ({"messages": [message("system", "一"), message("system", "二")]}, "两个不同的 system"),
        (message("user", Q), "这是一条消息"),
        ({"instruction": Q, "output": [A, A]}, "不是文字"),
        ({"user_prompt": Q, "blessing": A}, "没有 output，有的字段是 user_prompt、blessing"),
        ({"id": 1, "text": A, "label": ["生日"]}, "有的字段是 id、text、label"),
        ({"场景": "生日", "要求": None, "祝福语": ""}, "祝福语 是空的"),
    ],
)
def test_what_cannot_become_a_sample_says_why(item: dict, reason: str) -> None:
    with pytest.raises(ShapeError, match=reason):
        conversation_of(item)


def test_instruction_and_input_are_joined_in_every_kind_of_file(workspace: Workspace) -> None:
    rows = [{"instruction": "写一句祝福", "input": f"{Q}{n}", "output": f"{A}{n}"} for n in range(2)]
    table = io.StringIO()
    writer = csv.DictWriter(table, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    sink = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows), sink)
    files = {
        "a.json": json.dumps(rows, ensure_ascii=False).encode(),
        "a.jsonl": "\n".join(json.dumps(row) for row in rows).encode(),
        "a.csv": table.getvalue().encode(),
        "a.parquet": sink.getvalue(),
    }
    reports = [dataset.import_bytes(workspace, "wishes", content, name) for name, content in files.items()]
    assert [(r.form, r.added, r.known) for r in reports] == [("alpaca", 2, 0), *[("alpaca", 0, 2)] * 3]
    assert {s.input for s in samples.page(workspace.engine, ALL)} == {f"写一句祝福\n{Q}{n}" for n in range(2)}


LINE = json.dumps({"input": Q, "output": A}, ensure_ascii=False)
OTHER = json.dumps({"input": Q, "output": f"{A}！"}, ensure_ascii=False)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.jsonl", f"[{LINE},\n{OTHER}]"),
        ("x.json", f"{LINE}\n{OTHER}\n"),
        ("x.jsonl", f"\ufeff{LINE}\n\ufeff{OTHER}\n"),
        ("x.json", f"{json.dumps(json.loads(LINE), indent=1)}\n{json.dumps(json.loads(OTHER), indent=1)}"),
        ("x.json", f'{{"train": [{LINE}], "validation": [{OTHER}]}}'),
        ("x.json", f"[{LINE}]\n[{OTHER}]"),
        ("x.jsonl", f"{LINE},\n{OTHER}"),
        ("x.json", f"[{LINE[:-1]},}}, {OTHER},]"),
        ("x.json", f"input,output\n{Q},{A}\n{Q},{A}！\n"),
        ("x.csv", f"[{LINE},{OTHER}]"),
        ("x.txt", f"问题\t答案\n{Q}\t{A}\n{Q}\t{A}！\n"),
        ("x.tsv", f"input\toutput\n{Q},小红书,短\t{A}\n{Q},小红书,短\t{A}！\n"),
        ("x.csv", f"祝福表\n问题;答案\n{Q},小红书,短;{A}\n{Q},小红书,短;{A}！\n"),
        ("x.csv", f"\ufeffsep=;\n问题;答案\n{Q};{A}\n{Q};{A}！\n"),
        ("x.csv", f"问题|答案\n{Q}|{A}\n{Q}|{A}！\n"),
        ("x.csv", f"祝福表,\n\n问题,答案\n{Q},{A}\n{Q},{A}！\n"),
        ("x.csv", f"问题,答案\r{Q},{A}\r{Q},{A}！\r"),
        ("x.csv", f'\u00a0问题,\u200b答案\n"=""{Q}""",{A}\n{Q},{A}！\n'),
        ("x.txt", f"| 问题 | 答案 |\n|---|:-:|\n| {Q} | {A} |\n| {Q} | {A}！ |\n"),
        ("x.json", json.dumps({"input": {"0": Q, "1": Q}, "output": {"0": A, "1": A + "！"}})),
        ("x.json", json.dumps({"input": [Q, Q], "output": [A, A + "！"]})),
        ("x.json", json.dumps({"columns": ["output", "input"], "data": [[A, Q], [A + "！", Q]]})),
        ("x.json", f'{{"0": {LINE}, "1": {OTHER}}}'),
        ("x.jsonl", f"\x1e{LINE}\n\x1e{OTHER}\n"),
        ("x.json", f'{{"RECORDS": [{LINE}, {OTHER}]}}'),
        ("x.json", f'{{"rows": [{{"row_idx": 0, "row": {LINE}}}, {{"row_idx": 1, "row": {OTHER}}}]}}'),
    ],
    ids=[
        "list",
        "lines",
        "marks",
        "objects",
        "splits",
        "lists",
        "line commas",
        "commas",
        "table",
        "csv",
        "tabs",
        "commas between tabs",
        "commas between semicolons",
        "excel",
        "strokes",
        "title",
        "mac",
        "unseen",
        "markdown",
        "pandas",
        "columns",
        "pandas split",
        "numbered",
        "record marks",
        "navicat",
        "viewer",
    ],
)
def test_the_content_decides_how_a_file_is_read(workspace: Workspace, name: str, content: str) -> None:
    report = dataset.import_bytes(workspace, "wishes", content.encode(), name)
    assert (report.added, report.bad) == (2, ())
    assert {sample.output for sample in samples.page(workspace.engine, ALL)} == {A, f"{A}！"}


def test_the_separators_of_the_first_fine_tuning_form_are_removed_with_a_notice(workspace: Workspace) -> None:
    rows = [
        {"prompt": f"{Q}\n\n###\n\n", "completion": f" {A} END"},
        {"prompt": f"{Q} ->", "completion": f" {A}###"},
        {"prompt": Q, "completion": A},
    ]
    read = [conversation_of(row).turns for row in rows]
    assert read == [(Turn(Q, A),)] * 3
    report = dataset.import_bytes(
        workspace, "wishes", "\n".join(map(json.dumps, rows[:2])).encode(), "x.jsonl"
    )
    assert report.notices == ("2 项的提问和回答末尾有分隔记号（如 ###），已经去掉",)


def test_a_prompt_of_line_breaks_or_marks_takes_no_longer_than_any_other() -> None:
    """A pattern that looks for the mark from every line break would need hours for these."""
    for filling in ("\n", " ", "#", "-", "\n#", "END"):
        long = f"问{filling * 50_000}答"
        assert conversation_of({"prompt": long, "completion": f"{long} END"}).turns == (Turn(long, long),)


def test_surplus_commas_are_removed_with_a_notice(workspace: Workspace) -> None:
    report = dataset.import_bytes(workspace, "wishes", f"[{LINE[:-1]},}}, {OTHER}]".encode(), "x.json")
    assert report.added == 2 and report.notices == ("1 项去掉了多余的逗号",)
    with pytest.raises(ImportFileError, match="第 1 行"):
        dataset.import_bytes(workspace, "wishes", b'[{"input": "a", "output": }]', "x.json")


@pytest.mark.parametrize("form", ["list", "lines", "table"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_bad_byte_costs_one_item_named_with_its_line(
    workspace: Workspace, form: str, encoding: str
) -> None:
    texts = [f"{A}第{n}条，祝您岁岁平安，年年有余。" for n in range(20)]
    rows = [json.dumps({"input": Q, "output": text}, ensure_ascii=False) for text in texts]
    lines = {
        "list": ["["] + [f"{row}," for row in rows[:-1]] + [rows[-1], "]"],
        "lines": ["", *rows],
        "table": ["input,output", *(f"{Q},{text}" for text in texts)],
    }[form]
    content = "\n".join(lines).encode(encoding).replace("第3条".encode(encoding), b"\xff")
    report = dataset.import_bytes(workspace, "wishes", content, "x.csv" if form == "table" else "x.json")
    assert (report.added, report.encoding) == (19, encoding_title(encoding))
    ((number, reason),) = report.bad
    assert number == 4 and "第 5 行" in reason
    assert all("\ufffd" not in sample.output for sample in samples.page(workspace.engine, ALL))


TRADITIONAL = [
    "祝媽媽生日快樂，身體健康，萬事如意！",
    "外婆，願您歲歲平安，天天開心。",
    "恭喜姐姐搬新家，喬遷之喜！",
]


@pytest.mark.parametrize("encoding", ["big5", "gb18030", "utf-8", "utf-16"])
def test_traditional_text_is_read_in_any_of_its_encodings(workspace: Workspace, encoding: str) -> None:
    rows = [{"input": "寫一句祝福", "output": text} for text in TRADITIONAL]
    content = json.dumps(rows, ensure_ascii=False).encode(encoding)
    dataset.import_bytes(workspace, "wishes", content, "x.json")
    assert [sample.output for sample in samples.page(workspace.engine, ALL)] == TRADITIONAL


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_read_without_its_mark(workspace: Workspace, encoding: str) -> None:
    content = f"input,output\n{Q},一{A}\n".encode(encoding)
    report = dataset.import_bytes(workspace, "wishes", content, "x.csv")
    assert (report.added, report.encoding) == (1, "UTF-16")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"<!DOCTYPE html>", "网页"),
    ],
)
def test_what_was_downloaded_in_place_of_the_data_is_named(
    workspace: Workspace, content: bytes, said: str
) -> None:
    with pytest.raises(ImportFileError, match=said):
        dataset.import_bytes(workspace, "wishes", content, "x.parquet")


def test_a_comment_above_the_lines_costs_itself_alone(workspace: Workspace) -> None:
    report = dataset.import_bytes(workspace, "wishes", f"# 说明\n{LINE}\n".encode(), "x.jsonl")
    assert report.added == 1 and [number for number, _reason in report.bad] == [1]


def test_a_person_can_name_the_encoding(workspace: Workspace) -> None:
    content = json.dumps([{"input": "祝", "output": TRADITIONAL[0]}], ensure_ascii=False).encode("big5")
    dataset.import_bytes(workspace, "wishes", content, "x.json", encoding="Big5")
    assert samples.page(workspace.engine, ALL)[0].output == TRADITIONAL[0]
    with pytest.raises(ImportFileError, match="不是 utf-8"):
        dataset.import_bytes(workspace, "wishes", content, "x.json", encoding="utf-8")
    with pytest.raises(ImportFileError, match="不认识编码"):
        dataset.import_bytes(workspace, "wishes", content, "x.json", encoding="ebcdic")


def workbook(*sheets: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_a_workbook_is_read_as_a_table_whatever_it_is_called(workspace: Workspace) -> None:
    content = workbook(
        [["说明"], ["第二页才是样本"]],
        [
            ["祝福样本"],
            ["问题", "回答", "字数"],
            [Q, A, 14.0],
            [None, None, None],
            ["祝爸爸生日", "爸爸生日快乐！", 7],
        ],
    )
    assert dataset.import_bytes(workspace, "wishes", content, "样本.csv").added == 2
    assert {(each.input, each.output) for each in samples.page(workspace.engine, ALL)} == {
        (Q, A),
        ("祝爸爸生日", "爸爸生日快乐！"),
    }


def test_a_workbook_without_answers_and_a_damaged_one_are_refused(workspace: Workspace) -> None:
    with pytest.raises(ImportFileError, match="没有“输入”和“输出”"):
        dataset.import_bytes(workspace, "wishes", workbook([["名字", "年龄"], ["妹妹", 8]]), "x.xlsx")
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("xl/workbook.xml", "<no")
    with pytest.raises(ImportFileError, match="不是完好的 Excel"):
        dataset.import_bytes(workspace, "wishes", whole.getvalue(), "x.xlsx")
    half = workbook([["输入", "输出"], [Q, A]])
    with pytest.raises(ImportFileError, match="不完整或者坏了"):
        dataset.import_bytes(workspace, "wishes", half[: len(half) // 2], "x.xlsx")


def test_an_empty_answer_is_named_as_the_sheet_names_it(workspace: Workspace) -> None:
    rows = [["2026年祝福", None], ["输入", "输出"], [Q, A], ["祝爸爸生日", None]]
    report = dataset.import_bytes(workspace, "wishes", workbook(rows), "x.xlsx")
    assert report.added == 1 and [reason for _number, reason in report.bad] == [
        "工作表“Sheet”第 4 行：输出 是空的"
    ]


def test_a_bad_row_names_its_sheet(workspace: Workspace) -> None:
    good = ["祝{}生日", "{}生日快乐，愿你天天开心！"]
    sheets = [[["输入", "输出"], [each.format(who) for each in good], ["祝爸爸生日", None]] for who in "甲乙"]
    sheets[1].append(["祝妈妈生日", "妈妈生日快乐！", "多出来的"])
    report = dataset.import_bytes(workspace, "wishes", workbook(*sheets), "x.xlsx")
    assert [reason for _number, reason in report.bad] == [
        "工作表“Sheet”第 3 行：输出 是空的",
        "工作表“Sheet1”第 3 行：输出 是空的",
        "工作表“Sheet1”第 4 行比表头多了几格",
    ]


def test_merged_cells_belong_to_every_row_that_they_span(workspace: Workspace) -> None:
    rows = [
        ["祝福语收集", None],
        ["要求", "祝福语"],
        [Q, A],
        [None, "妈妈，愿您天天开心！"],
        [None, None],
        ["祝爸爸", "爸爸好！"],
    ]
    book = openpyxl.load_workbook(io.BytesIO(workbook(rows)))
    book.active.merge_cells("A1:B1")
    book.active.merge_cells("A3:A5")
    file = io.BytesIO()
    book.save(file)
    report = dataset.import_bytes(workspace, "wishes", file.getvalue(), "x.xlsx")
    assert (report.added, report.bad) == (3, ())
    assert {(each.input, each.output) for each in samples.page(workspace.engine, ALL)} == {
        (Q, A),
        (Q, "妈妈，愿您天天开心！"),
        ("祝爸爸", "爸爸好！"),
    }


def test_a_sheet_that_is_not_read_is_named(workspace: Workspace) -> None:
    content = workbook([["输入", "输出"], [Q, A]], [["姓名", "年龄"], ["妹妹", 8]], [])
    report = dataset.import_bytes(workspace, "wishes", content, "x.xlsx")
    assert report.added == 1 and report.bad == ()
    assert report.notices == ("工作表“Sheet1”里没有“输入”和“输出”两列，没有导入",)


def test_a_fault_of_a_formula_is_no_answer_and_escapes_are_characters(workspace: Workspace) -> None:
    content = workbook([["输入", "输出"], [Q, "#REF!"], ["祝老师", "老师好！_x000D_\n节日快乐！"]])
    report = dataset.import_bytes(workspace, "wishes", content, "x.xlsx")
    assert report.bad == ((1, "工作表“Sheet”第 2 行：输出 是空的"),)
    assert samples.page(workspace.engine, ALL)[0].output == "老师好！\n节日快乐！"


def test_a_table_without_answers_is_told_what_its_headings_are(workspace: Workspace) -> None:
    for content, name in (
        ("时间,写一句话\n1,好\n".encode(), "x.csv"),
        (workbook([["时间", "写一句话"]]), "x.xlsx"),
    ):
        with pytest.raises(ImportFileError, match="第一行是 时间、写一句话"):
            dataset.import_bytes(workspace, "wishes", content, name)


def forged(content: bytes, *changes: tuple[str, str]) -> bytes:
    """Returns a workbook with other words in its first sheet."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w") as archive:
        for name in source.namelist():
            text = source.read(name).decode()
            for old, new in changes if name == "xl/worksheets/sheet1.xml" else ():
                assert old in text
                text = text.replace(old, new)
            archive.writestr(name, text)
    return target.getvalue()


def test_a_sheet_is_as_large_as_its_cells_whatever_it_says() -> None:
    content = workbook([["问题", "回答"], [Q, A], ["祝爸爸生日", "爸爸生日快乐！"]])
    wide = forged(content, ('ref="A1:B3"', 'ref="A1:XFD1048576"'))
    (sheet,) = openpyxl.load_workbook(io.BytesIO(wide), read_only=True).worksheets
    assert (sheet.max_column, sheet.max_row) == (16384, 1048576)
    assert len(list(sheet_rows(sheet, 3))) == 3
    assert len(list(workbook_items(io.BytesIO(wide), "x.xlsx"))) == 2
    far = forged(content, ('<row r="3"', '<row r="9000000000"'), ('r="A3"', ""), ('r="B3"', ""))
    assert [item.line for item in workbook_items(io.BytesIO(far), "x.xlsx")] == [2]
    gap = forged(content, ('<row r="3"', '<row r="500"'), ('r="A3"', 'r="A500"'), ('r="B3"', 'r="B500"'))
    assert [item.line for item in workbook_items(io.BytesIO(gap), "x.xlsx")] == [2, 500]


def test_an_archive_is_named_as_one(workspace: Workspace) -> None:
    with pytest.raises(ImportFileError, match="压缩包或者旧版 Excel"):
        dataset.import_bytes(workspace, "wishes", b"PK\x03\x04rest", "x.csv")


def test_a_row_of_a_table_loses_no_cell(workspace: Workspace) -> None:
    table = f"input,output,output\n{Q},{A},{A}\n{Q},一,二\n{Q},{A}！,,多出来的\n"
    report = dataset.import_bytes(workspace, "wishes", table.encode(), "x.csv")
    assert report.added == 1
    assert [number for number, _reason in report.bad] == [2, 3]
    assert "output 和 output" in report.bad[0][1] and "第 4 行" in report.bad[1][1]


def test_quotes_that_do_not_pair_cost_their_rows_and_never_join_them(workspace: Workspace) -> None:
    table = f'input,output\n{Q},"她说\\"好\\"，{A}"\n{Q},{A}\n{Q},"{A}\n{Q},{A}！\n'
    report = dataset.import_bytes(workspace, "wishes", table.encode(), "x.csv")
    assert [sample.output for sample in samples.page(workspace.engine, ALL)] == [A]
    assert [reason[:7] for _number, reason in report.bad] == ["第 2 行起的", "第 4 行起的"]


def test_a_list_that_breaks_off_keeps_its_whole_items(workspace: Workspace) -> None:
    report = dataset.import_bytes(workspace, "wishes", f"[{LINE},\n{OTHER[:-9]}".encode(), "x.json")
    assert report.added == 1
    ((number, reason),) = report.bad
    assert number == 2 and "第 2 行" in reason and "断了" in reason


def test_a_line_break_within_a_string_is_read(workspace: Workspace) -> None:
    content = '[{"input": "祝", "output": "春风\n秋月"}]'.encode()
    assert dataset.import_bytes(workspace, "wishes", content, "x.json").added == 1
    assert samples.page(workspace.engine, ALL)[0].output == "春风\n秋月"


def test_weights_and_marks_without_loss_are_named(workspace: Workspace) -> None:
    turns = [message("user", Q), {**message("assistant", A), "weight": 0}]
    items = [
        {"messages": turns},
        {"conversation": [{"input": Q, "output": f"{A}！", "output_with_loss": False}]},
    ]
    report = dataset.import_bytes(workspace, "wishes", json.dumps(items).encode(), "x.json")
    assert report.added == 2
    assert any("weight" in notice for notice in report.notices)
    assert any("output_with_loss" in notice for notice in report.notices)


def test_a_preview_shows_what_would_be_stored_and_stores_nothing(workspace: Workspace) -> None:
    items = [
        {"title": "没有对话"},
        {"question": "祝赵老师生日", "answer": "⽼师⽣⽇快乐"},
        {"input": Q, "output": A},
    ]
    content = json.dumps(items, ensure_ascii=False).encode()
    preview = dataset.preview_bytes(workspace, "wishes", content, "x.json", shown=1)
    assert (preview.good, preview.looked, preview.whole) == (2, 3, True)
    ((number, sample),) = preview.samples
    assert (number, sample.output) == (2, "老师生日快乐")
    assert (sample.name, sample.scene, sample.style) == ("赵老师", "生日", "正常")
    assert [number for number, _reason in preview.bad] == [1]
    assert samples.total(workspace.engine) == 0 and datasets.listed_imports(workspace.engine, "wishes") == []
    assert any("第 1 项" in line for line in dataset.preview_lines(preview))
