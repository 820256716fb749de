"""Beside a sample that was made from a document stands the chunk that it rests on."""

from tests.pages.opening import opened
from tianji_core.store import knowledge, samples
from tianji_core.store.knowledge import Asked, Dialogue, NewChunk, NewKnowledgeRun, QuestionAnswer
from tianji_core.store.provenance import Provenance
from tianji_core.workspace import Workspace

CHUNKS = ("除夕守岁，灯火不熄。", "腊月二十三祭灶，\n灶王爷这天上天。")


def test_the_document_the_number_of_the_chunk_and_its_text_are_shown(workspace: Workspace) -> None:
    run = knowledge.add(
        workspace.engine,
        NewKnowledgeRun("wishes", "年俗", {}, {}, {}, 1),
        [NewChunk("年俗.txt", "0" * 64, number, text) for number, text in enumerate(CHUNKS, 1)],
    )
    _first, chunk = knowledge.chunks_in(workspace.engine, run.id, "pending")
    pair = Dialogue((QuestionAnswer("灶王爷哪天上天？", "腊月二十三。"),))
    answered = Asked(chunk, "系统", (pair,), 0, Provenance(prompt="问", model="m"))
    knowledge.store(workspace.engine, run, [answered])
    other = samples.NewSample("wishes", "系统", "祝妹妹生日", "妹妹生日快乐", "妹妹", "生日", "正常")
    samples.add(workspace.engine, other)

    app = opened("review")
    assert any("资料：年俗.txt 第 2 块" in caption.value for caption in app.caption)
    assert CHUNKS[1] in [code.value for code in app.code]
    assert CHUNKS[0] not in [code.value for code in app.code]
    app.button(key="next").click().run()
    assert not app.exception
    assert not any("资料：" in caption.value for caption in app.caption)
    assert CHUNKS[1] not in [code.value for code in app.code]
