"""Two thousand tasks against the mixture of the fault server: ``python -m tests.hostile.driver URL
WORKSPACE``.

Generation through both SDKs, documents, judging, chat and comparison run one after the other in this process,
as in the workers and the server of the studio, and the last line printed is JSON: how each part ended, and
the largest memory.
"""

import asyncio
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from tianji_core.cleaning.judging import judge_samples
from tianji_core.comparison import Ask, Column, Comparer, plan_board
from tianji_core.comparison.report_page import board_report, judgement
from tianji_core.dispatch import Retry
from tianji_core.errors import StudioError
from tianji_core.evaluation.checks import Checker
from tianji_core.files import write_text
from tianji_core.generation import RunOptions, create_run, run_state
from tianji_core.generation.generating import run_generation
from tianji_core.generation.knowledge import KnowledgeSettings, create_knowledge_run, read_document
from tianji_core.generation.knowledge.extracting import run_knowledge
from tianji_core.jobs import Reporter
from tianji_core.recipe import Plan
from tianji_core.serving import ChatSampling, client
from tianji_core.serving.candidates import candidates
from tianji_core.serving.transcript import ChatTurn, Transcript, messages, put_aside
from tianji_core.store import judgements, recipes
from tianji_core.store.samples import SampleFilter
from tianji_core.teachers import SamplingPlan, TeacherChoice
from tianji_core.workspace import Workspace, open_workspace

SECONDS = 1.5
"""The time limit of a request; a hanging server costs that much each time."""
CONCURRENCY = 24
RETRY = Retry(attempts=2, first_wait=0.01, longest_wait=0.02)
PARTS = {"generate": 800, "zhipu": 200, "documents": 250, "judge": 250, "chat": 250, "compare": 250}
"""Tasks of each part, 2,000 together."""


@dataclass(frozen=True)
class Part:
    """How the tasks of a part ended, how often its run had to be started again, and what was kept."""

    tasks: int
    done: int
    failed: int
    pending: int
    stops: int
    kept: int
    reasons: dict[str, int]


def generate(workspace: Workspace, url: str, provider: str, tasks: int) -> Part:
    """A generation run, started again where a server that failed too often in a row stopped it."""
    teacher = TeacherChoice(provider=provider, model="hostile-model", base_url=url, timeout=SECONDS)
    plan = Plan(rounds=3, limit=tasks)
    sampling, options = SamplingPlan(temperature=0.9), RunOptions(ban_openings=False)
    run = create_run(workspace, "wishes", plan, teacher, sampling, CONCURRENCY, options=options)
    stops = 0
    while run_state(workspace.engine, run.id).counts.pending and stops < 20:
        try:
            asyncio.run(run_generation(workspace, run.id, Reporter(total=run.total), retry=RETRY))
        except StudioError as error:
            print(error, flush=True)
            stops += 1
    state = run_state(workspace.engine, run.id)
    reasons = {error.kind: error.count for error in state.errors}
    counts = state.counts
    return Part(run.total, counts.done, counts.failed, counts.pending, stops, state.totals.samples, reasons)


def documents(workspace: Workspace, url: str, tasks: int) -> Part:
    """Questions about as many chunks."""
    teacher = TeacherChoice(provider="custom", model="hostile-model", base_url=url, timeout=SECONDS)
    text = "\n\n".join(
        f"第{n}条：" + f"灶王爷在腊月二十三上天，家家都要祭灶（{n}）。" * 3 for n in range(tasks)
    )
    settings = KnowledgeSettings(size=100, overlap=0, pairs=1)
    document = read_document("灶王爷.txt", text.encode())
    sampling = SamplingPlan(temperature=0.5)
    run = create_knowledge_run(workspace, "wishes", [document], teacher, sampling, settings, CONCURRENCY)
    state = asyncio.run(run_knowledge(workspace, run.id, Reporter(total=run.total), retry=RETRY))
    counts, reasons = state.counts, {error.kind: error.count for error in state.errors}
    return Part(run.total, counts.done, counts.failed, counts.pending, 0, counts.pairs, reasons)


def judge(workspace: Workspace, url: str, tasks: int) -> Part:
    """Verdicts on stored samples."""
    teacher = TeacherChoice(provider="custom", model="hostile-model", base_url=url, timeout=SECONDS)
    waiting = judgements.waiting(workspace.engine, SampleFilter("wishes"), limit=tasks)
    chosen = SampleFilter("wishes", ids=tuple(sample.id for sample in waiting))
    reporter = Reporter(total=tasks)
    result = asyncio.run(judge_samples(workspace, chosen, teacher, CONCURRENCY, reporter, retry=RETRY))
    kept = len(judgements.of(workspace.engine, chosen.ids))
    pending = result.waiting - result.failed
    return Part(len(waiting), result.judged, result.failed, pending, 0, kept, {"judge": result.failed})


def chat(workspace: Workspace, url: str, tasks: int) -> Part:
    """Questions of the chat page, kept as that page keeps them."""
    key = workspace.key("HOSTILE_CHAT_KEY")

    def one(number: int) -> ChatTurn:
        turn = ChatTurn(request=f"祝赵老师生日快乐 {number}", model="hostile-model")
        try:
            asked = messages("", [], turn.request)
            for _at, piece in candidates(url, turn.model, asked, ChatSampling(), key):
                turn.answer += piece.text
                turn.tokens = piece.completion_tokens or turn.tokens
        except StudioError as error:
            turn.error = str(error)
        return turn

    with ThreadPoolExecutor(CONCURRENCY) as pool:
        turns = list(pool.map(one, range(tasks)))
    talk = Transcript(turns=turns)
    put_aside(workspace, talk, "hostile")
    write_text(workspace.exports / "talk.md", talk.markdown())
    failed = sum(1 for turn in turns if turn.error)
    return Part(tasks, tasks - failed, failed, 0, 0, len(turns), {"chat": failed})


def compare(workspace: Workspace, url: str, tasks: int) -> Part:
    """The cells of a board, and its report."""
    recipe = recipes.current(workspace.engine, "wishes").recipe
    columns = [
        Column(url=url, model=f"hostile-{number}", style="正常", key_variable="HOSTILE_CHAT_KEY")
        for number in range(5)
    ]
    asks = [Ask(text=f"祝您健康 {number}") for number in range(tasks // len(columns))]
    comparer = Comparer(workspace)
    board = plan_board(recipe, asks, columns, "送祝福", ChatSampling())
    comparer.start(board)
    board = comparer.wait(board.key)
    checker = Checker(recipe)
    page = board_report(recipe, board, lambda _model: checker, judgement(workspace, board))
    write_text(workspace.exports / "report.html", page)
    done = sum(1 for cell in board.cells if cell.state == "done")
    failed = sum(1 for cell in board.cells if cell.state == "failed" and cell.error)
    return Part(
        len(board.cells), done, failed, len(board.cells) - done - failed, 0, done, {"compare": failed}
    )


def largest_memory() -> int:
    """The most memory that this process has had, in bytes. ``getrusage`` would give that of the process that
    started it where that is more."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def main(url: str, home: str) -> None:
    """Runs every part and prints the result."""
    client.READ_TIMEOUT = SECONDS
    workspace = open_workspace(home)
    found = {
        "generate": generate(workspace, f"{url}/mixed-generate/v1", "custom", PARTS["generate"]),
        "zhipu": generate(workspace, f"{url}/mixed-zhipu/v1", "zhipu", PARTS["zhipu"]),
        "documents": documents(workspace, f"{url}/mixed-documents/v1", PARTS["documents"]),
        "judge": judge(workspace, f"{url}/mixed-judge/v1", PARTS["judge"]),
        "chat": chat(workspace, f"{url}/mixed-chat/v1", PARTS["chat"]),
        "compare": compare(workspace, f"{url}/mixed-compare/v1", PARTS["compare"]),
    }
    memory = largest_memory()
    parts = {name: asdict(part) for name, part in found.items()}
    print(json.dumps({"parts": parts, "memory": memory, "threads": threading.active_count()}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
