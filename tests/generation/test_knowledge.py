"""Documents become chunks, chunks become questions and answers, and only new questions become samples."""

import asyncio
import io
import json
import os
import signal
import subprocess
import time
import zipfile
from itertools import pairwise

import pytest

from tests.generation.test_generating import QUICK
from tests.loopback import Handler, LoopbackApi, completion, fails, says
from tianji_core import jobs
from tianji_core.errors import InputError, JobError, RunLimitError, TeacherAnswerError
from tianji_core.generation import RunOptions
from tianji_core.generation.knowledge import (
    KnowledgeSettings,
    KnowledgeState,
    create_knowledge_run,
    knowledge_state,
    read_document,
    split_document,
    split_documents,
    start_knowledge,
)
from tianji_core.generation.knowledge.asking import read_conversations, understood
from tianji_core.generation.knowledge.extracting import run_knowledge
from tianji_core.generation.knowledge.job import KnowledgeSubject
from tianji_core.generation.knowledge.line_wraps import without_line_wraps
from tianji_core.generation.knowledge.page_margins import without_margins
from tianji_core.generation.knowledge.questions import Questions
from tianji_core.jobs import Reporter
from tianji_core.recipe.editing import changed
from tianji_core.store import knowledge as rows
from tianji_core.store import recipes, samples
from tianji_core.store.knowledge import Dialogue, KnowledgeRun, QuestionAnswer
from tianji_core.store.samples import SampleFilter
from tianji_core.teachers import SamplingPlan, TeacherChoice
from tianji_core.workspace import Workspace

SENTENCE = "第{n}条：灶王爷在腊月二十三上天，家家都要祭灶。"
TEXT = "".join(SENTENCE.format(n=n) for n in range(60))
SETTINGS = KnowledgeSettings(size=200, overlap=30, pairs=2)


def pairs(*items: tuple[str, str]) -> str:
    return json.dumps([{"question": q, "answer": a} for q, a in items], ensure_ascii=False)


def asks_about_what_it_reads(handler: Handler, body: dict) -> None:
    """Two questions for each chunk: one that only this chunk leads to, one that all of them lead to."""
    prompt = body["messages"][0]["content"]
    number = prompt.split("第", 1)[1].split("条")[0]
    said = pairs((f"第{number}条讲了什么事情？" * 3, f"祭灶{number}"), ("灶王爷哪天上天？", "腊月二十三"))
    handler.send_json(200, completion(f"好的：\n```json\n{said}\n```"))


def new_run(
    workspace: Workspace, api: LoopbackApi, options: RunOptions | None = None, concurrency: int = 3
) -> KnowledgeRun:
    teacher = TeacherChoice(provider="custom", model="loopback-model", base_url=api.url, timeout=60)
    document = read_document("灶王爷.txt", TEXT.encode())
    return create_knowledge_run(
        workspace,
        "wishes",
        [document],
        teacher,
        SamplingPlan(temperature=0.5),
        SETTINGS,
        concurrency,
        options,
    )


def work(workspace: Workspace, run: KnowledgeRun) -> KnowledgeState:
    return asyncio.run(run_knowledge(workspace, run.id, Reporter(total=run.total), retry=QUICK))


def docx(text: str) -> bytes:
    """The smallest file that Word would open."""
    target = io.BytesIO()
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/word/document.xml" ContentType="{kind}"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="r1" Type="{office}" Target="word/document.xml"/></Relationships>',
        )
        archive.writestr(
            "word/document.xml",
            '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
            f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>",
        )
    return target.getvalue()


def pdf(text: str) -> bytes:
    """A page with one line in a font that every reader has."""
    stream = f"BT /F1 24 Tf 72 700 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    data, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj%s endobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return data + (
        b"xref\n0 6\n0000000000 65535 f \n%strailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
        % (table, len(data))
    )


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.txt", "腊八要喝粥".encode("gb18030"), "腊八要喝粥"),
        ("a.md", "\ufeff# 腊八\n\n喝粥".encode(), "# 腊八\n\n喝粥"),
        ("a.html", "<html><body><p>腊八</p><script>x()</script></body></html>".encode(), "腊八"),
        ("a.docx", docx("腊八要喝粥"), "腊八要喝粥"),
        ("a.pdf", pdf("Laba porridge"), "Laba porridge"),
    ],
)
def test_every_kind_of_document_is_read(name: str, data: bytes, expected: str):
    assert read_document(name, data).text == expected


def test_radicals_and_other_odd_characters_of_a_document_become_the_usual_ones():
    odd = "⽉饼，⽼师，⻓辈⻅⾯\u2028第二行\u00a0完\u200b。，！？…… 👩‍👩‍👧"
    assert read_document("a.txt", odd.encode()).text == "月饼，老师，长辈见面\n第二行 完。，！？…… 👩‍👩‍👧"


def test_what_stands_around_the_text_of_a_web_page_is_left_out():
    page = (
        "<html><body><nav>首页 登录</nav><header><h1>月饼</h1></header><main><p>中秋吃月饼。</p></main>"
        "<aside>广告</aside><footer>版权所有</footer></body></html>"
    )
    assert read_document("a.html", page.encode()).text == "# 月饼\n\n中秋吃月饼。"


def test_a_page_of_a_site_is_its_text_whatever_its_parts_are_called():
    page = (
        "<html><body class='has-sidebar menu'><header><div>某某网</div></header><div class='navbar top'>首页</div>"
        "<div id=breadcrumb>首页 &gt; 节日</div><div class=content><p>中秋<a href=/x>吃月饼</a>，\n  大家<b></b>都\n"
        "喜欢。<ruby>月<rp>(</rp><rt>yue</rt><rp>)</rp></ruby>亮 in the\n sky。</p><img src=a alt=图>"
        "<p style='display: none'>看不见</p><form><button>搜索</button></form></div>"
        "<div class=comments>网友：好</div><div id=footer>备案号</div></body></html>"
    )
    assert read_document("a.html", page.encode()).text == "中秋吃月饼，大家都喜欢。月亮 in the sky。"


@pytest.mark.parametrize("opening", ["<form id=aspnetForm>", "<dialog open>", "<div aria-hidden=true>"])
def test_a_part_that_holds_the_whole_page_is_its_text(opening: str):
    page = (
        f"<!DOCTYPE html\n><html><body>{opening}<nav>首页</nav><div class=menu>登录</div><p>中秋吃月饼，大家都喜欢。</p>"
        "<!-- 左栏\n 待改 --><form>搜索</form><i aria-hidden=true>图</i></body></html>"
    )
    assert read_document("a.html", page.encode()).text == "中秋吃月饼，大家都喜欢。"


def test_what_a_printer_repeats_on_every_page_is_left_out():
    pages = [
        f"11/29/26, 10:0{n} PM\n\n中秋习俗\n\n第{n}节\n\n{text}\n\nhttps://example.com/a\n\n{n}/3\n\n"
        for n, text in enumerate(("吃月饼。", "赏月。", "提灯笼。"), 1)
    ]
    kept = without_margins("\f".join(pages)).split()
    assert kept == ["第1节", "吃月饼。", "第2节", "赏月。", "第3节", "提灯笼。"]
    assert without_margins("只有一页\n\n1") == "只有一页\n\n1"


def test_lines_that_only_the_page_has_broken_are_joined():
    full = "中秋节吃月饼是许多家庭的习惯，老师们也常在这一天收到学生送"
    pages = f"月饼与老师\n\n{full}\n\n来的问候。\n\nA good wish is short and warm, and it names the person who\nreceives it.\n\n1. 想清楚"
    assert without_line_wraps(pages) == (
        f"月饼与老师\n\n{full}来的问候。\n\n"
        "A good wish is short and warm, and it names the person who receives it.\n\n1. 想清楚"
    )


def test_a_text_in_big5_is_read_as_such():
    text = "中秋節是全家團圓的日子，孩子們提著燈籠，長輩們喝茶賞月，互相祝福。"
    assert read_document("a.txt", text.encode("big5")).text == text


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.exe", b"MZ", "不认识"),
        ("a.txt", b"  \n ", "没有文字"),
        ("a.pdf", b"%PDF-1.4 broken", "坏了"),
        ("a.docx", b"not a zip", "坏了"),
        ("a.txt", b"\xff\xff\xff\x80", "编码"),
    ],
)
def test_a_document_that_cannot_be_read_is_one_sentence(name: str, data: bytes, said: str):
    with pytest.raises(InputError, match=said):
        read_document(name, data)


def test_chunks_end_where_sentences_end_and_overlap():
    chunks = split_document(read_document("a.txt", TEXT.encode()), size=200, overlap=40)
    assert len(chunks) > 5
    assert all(len(chunk.text) <= 200 and chunk.text.endswith("。") for chunk in chunks)
    assert [chunk.number for chunk in chunks] == list(range(1, len(chunks) + 1))
    for before, after in pairwise(chunks):
        first = after.text.split("。")[0] + "。"
        assert before.text.endswith(first)
    for n in range(60):
        assert any(SENTENCE.format(n=n) in chunk.text for chunk in chunks)


def test_a_text_without_any_punctuation_is_cut_all_the_same():
    chunks = split_document(read_document("a.txt", ("祝" * 1000).encode()), size=100, overlap=0)
    assert "".join(chunk.text for chunk in chunks) == "祝" * 1000


def test_sizes_that_do_not_go_together_are_refused_and_a_file_twice_counts_once():
    document = read_document("a.txt", TEXT.encode())
    with pytest.raises(InputError, match="重叠"):
        split_document(document, size=200, overlap=150)
    with pytest.raises(InputError, match="每块"):
        split_document(document, size=50)
    assert len(split_documents([document, document], SETTINGS)) == len(split_documents([document], SETTINGS))
    with pytest.raises(InputError, match="文件"):
        split_documents([], SETTINGS)


@pytest.mark.parametrize(
    "said",
    [
        pairs(("问一？", "答一"), ("问二？", "答二")),
        "```json\n" + pairs(("问一？", "答一"), ("问二？", "答二")) + "\n```",
        '{"data": ' + pairs(("问一？", "答一"), ("问二？", "答二")) + "}",
        "[{'问题': '问一？', '答案': '答一'}, {'问题': '问二？', '答案': '答二',}",
        pairs(("问一？", "答一"), ("", "没有问题的答案"), ("问二？", "答二"), ("问三？", "多出来的")),
    ],
)
def test_what_a_teacher_writes_is_repaired_and_checked(said: str):
    found = read_conversations(said, SETTINGS)
    assert found == [
        Dialogue((QuestionAnswer("问一？", "答一"),)),
        Dialogue((QuestionAnswer("问二？", "答二"),)),
    ]


ONE, TWO = pairs(("问一？", "答一")), pairs(("问二？", "答二"))
OBJECTS = [ONE[1:-1], TWO[1:-1]]


@pytest.mark.parametrize(
    ("said", "unused"),
    [
        pytest.param(f"简单的：\n{ONE}\n难的：\n{TWO}", 0, id="several lists"),
        pytest.param('{"简单": ' + ONE + ', "难": ' + TWO + "}", 0, id="several lists in an object"),
        pytest.param(f"[{ONE}, {TWO}]", 0, id="lists in a list"),
        pytest.param(
            f"{pairs(('问一？', '答一'), ('问二？', '答二'))}\n以上[2]条，{{}}供参考。", 0, id="tail"
        ),
        pytest.param(
            f"参考[1][2]：\n{pairs(('问一？', '答一'), ('问二？', '答二'))}", 0, id="numbers before"
        ),
        pytest.param("\n".join(OBJECTS), 0, id="JSON lines"),
        pytest.param("1. " + "\n2. ".join(OBJECTS), 0, id="numbered lines"),
        pytest.param(f'{ONE}\n[{{"question": "没有答案？"}}]\n{TWO}', 1, id="one without an answer"),
        pytest.param(pairs(("问一？", "答一"), ("问二？", "答二"), ("问三？", "答三")), 1, id="one too many"),
    ],
)
def test_no_pair_is_lost_and_what_is_not_used_is_counted(said: str, unused: int):
    found = understood(said, SETTINGS)
    assert found.conversations == [
        Dialogue((QuestionAnswer("问一？", "答一"),)),
        Dialogue((QuestionAnswer("问二？", "答二"),)),
    ]
    assert found.unused == unused


def test_of_an_answer_that_is_cut_off_the_whole_pairs_count():
    said = pairs(("问一？", "答一"), ("问二？", "答二的后"))[:-3]
    found = understood(said, SETTINGS, "length")
    assert found.conversations == [Dialogue((QuestionAnswer("问一？", "答一"),))] and found.unused == 1


def test_items_that_are_not_used_are_counted_for_the_run(workspace: Workspace, api: LoopbackApi):
    api.default = says(ONE + '\n[{"question": "没有答案？"}]')
    run = new_run(workspace, api)
    assert work(workspace, run).counts.unused == run.total


@pytest.mark.parametrize("said", ["我不会", "[]", '[{"question": "只有问题？"}]', ""])
def test_an_answer_without_a_pair_is_an_error(said: str):
    with pytest.raises(TeacherAnswerError):
        read_conversations(said, SETTINGS)


def test_new_questions_become_samples_with_their_origin(workspace: Workspace, api: LoopbackApi):
    api.default = asks_about_what_it_reads
    run = new_run(workspace, api)
    counts = work(workspace, run).counts
    assert counts.done == run.total and counts.failed == counts.pending == 0
    assert counts.pairs == run.total + 1  # the question that all chunks lead to is kept once
    assert counts.repeated == run.total - 1
    found = samples.page(workspace.engine, samples.SampleFilter("wishes", source="knowledge"), limit=500)
    assert len(found) == counts.pairs
    assert {(s.name, s.scene, s.style, s.state) for s in found} == {("", "", "", "pending")}
    origin = rows.origin(workspace.engine, found[0].id)
    assert origin.file == "灶王爷.txt" and origin.number >= 1 and origin.text in TEXT
    known = samples.provenance(workspace.engine, found[0].id)
    assert origin.text in known.prompt and known.sampling == {"temperature": 0.5}
    assert all(s.system for s in found)

    again = work(workspace, new_run(workspace, api))  # the same file again brings nothing new
    assert again.counts.pairs == 0 and again.counts.done == run.total


def test_a_sample_names_the_revision_that_asked_though_the_recipe_was_saved_meanwhile(
    workspace: Workspace, api: LoopbackApi
):
    def saves_the_recipe(handler: Handler, body: dict) -> None:
        stored = recipes.current(workspace.engine, "wishes")
        after = changed(stored.recipe, description=stored.recipe.description + "。")
        recipes.save(workspace.engine, after, stored.revision, "说明")
        asks_about_what_it_reads(handler, body)

    api.default = saves_the_recipe
    work(workspace, new_run(workspace, api, concurrency=1))
    assert recipes.current(workspace.engine, "wishes").revision > 1
    for sample in samples.page(workspace.engine, SampleFilter("wishes")):
        assert samples.prompt_revision(workspace.engine, sample.id) == 0


def test_conversations_of_several_turns_keep_their_history(workspace: Workspace, api: LoopbackApi):
    turns = [{"question": "腊八喝什么？", "answer": "粥"}, {"question": "为什么？", "answer": "祭祖"}]
    api.default = says(json.dumps([{"turns": turns}], ensure_ascii=False))
    teacher = TeacherChoice(provider="custom", model="loopback-model", base_url=api.url)
    settings = KnowledgeSettings(turns=2, pairs=1, system="你懂年俗")
    document = read_document("a.md", "腊八喝粥。".encode())
    run = create_knowledge_run(workspace, "wishes", [document], teacher, SamplingPlan(), settings)
    work(workspace, run)
    sample = samples.page(workspace.engine, samples.SampleFilter("wishes", source="knowledge"))[0]
    assert sample.history == (("腊八喝什么？", "粥"),)
    assert (sample.system, sample.input, sample.output) == ("你懂年俗", "为什么？", "祭祖")


def test_a_budget_ends_the_run_and_leaves_the_rest(workspace: Workspace, api: LoopbackApi):
    api.default = asks_about_what_it_reads
    run = new_run(workspace, api, RunOptions(budget_tokens=600))
    with pytest.raises(RunLimitError, match="预算"):
        work(workspace, run)
    counts = knowledge_state(workspace, run.id).counts
    assert counts.done and counts.pending and not counts.failed
    assert sum(rows.spent(workspace.engine, run.id)) <= 600


def test_questions_in_almost_the_same_words_are_the_same_unless_a_number_differs():
    def asked(*questions: str) -> list[Dialogue]:
        return [Dialogue((QuestionAnswer(question, "答"),)) for question in questions]

    seen = Questions(["腊月二十三这一天为什么要祭灶王爷呢？"], similar=85)
    kept = seen.fresh(asked("腊月二十三这天为什么要祭灶王爷呢", "腊月二十四这一天为什么要祭灶王爷呢？"))
    assert [c.turns[0].question for c in kept] == ["腊月二十四这一天为什么要祭灶王爷呢？"]
    assert seen.fresh(asked("腊月二十四这一天为什么要祭灶王爷呢？")) == ()


def test_a_killed_worker_goes_on_as_a_job_and_asks_only_what_is_left(workspace: Workspace, api: LoopbackApi):
    api.default = asks_about_what_it_reads
    api.answer_only(3)
    run = new_run(workspace, api)
    subject = KnowledgeSubject(knowledge_run_id=run.id)
    worker = jobs.prepare_worker(workspace, "test", "单独的子进程", subject)
    child = subprocess.Popen(worker.argv, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while rows.counts(workspace.engine, run.id).done < 3:
        assert time.monotonic() < deadline and child.poll() is None
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    api.answer_all()
    job = jobs.wait(workspace, start_knowledge(workspace, run.id).id, timeout=120)
    counts = rows.counts(workspace.engine, run.id)
    assert job.state == "succeeded", job.note
    assert counts.done == run.total and counts.pairs == run.total + 1
    assert len(api.requests) <= run.total + 3 + 3
    with pytest.raises(JobError, match="没有要问"):
        start_knowledge(workspace, run.id)


def test_the_composer_cannot_read_documents(workspace: Workspace):
    document = read_document("a.txt", "腊八".encode())
    with pytest.raises(InputError, match="离线"):
        create_knowledge_run(workspace, "wishes", [document], TeacherChoice(), SamplingPlan(), SETTINGS)


def test_a_chunk_that_fails_says_why(workspace: Workspace, api: LoopbackApi):
    api.default = fails(400, "too long")
    api.script.extend([says(pairs(("腊八喝什么粥？", "腊八粥")))] * 1)
    run = new_run(workspace, api, concurrency=1)  # the good answer comes before any refusal
    state = work(workspace, run)
    assert state.counts.failed == run.total - 1
    assert "too long" in state.errors[0].example
