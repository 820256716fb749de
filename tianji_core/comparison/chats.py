"""Answers of a conversation as a comparison: the same checks, and votes between answers to one question."""

from collections.abc import Sequence

from tianji_core.comparison.ballots import ballot_of, choose
from tianji_core.comparison.board import Ask, Board, Cell, Column
from tianji_core.comparison.marks import Checked, check_cell
from tianji_core.evaluation.checks import Checker
from tianji_core.serving.client import ChatSampling
from tianji_core.serving.transcript import ChatTurn
from tianji_core.store.votes import Vote


def check_turn(checker: Checker, turn: ChatTurn) -> Checked:
    """Returns the answer of a turn with every check that applies to it."""
    board = board_of([turn], checker.recipe.key)
    return check_cell(checker, board, board.cells[0])


def board_of(turns: Sequence[ChatTurn], recipe: str) -> Board:
    """Returns the turns, which answer one question, as a board with a column for each turn and, where there
    is a single one, a cell for each of its candidates."""
    first = turns[0]
    known = bool(first.name and first.scene)
    texts = [[turn.answer] for turn in turns] if len(turns) > 1 else [[first.answer, *first.others]]
    cells = [
        Cell(row=0, column=at, request=turn.request, candidate=number, state="done", text=text)
        for at, (turn, said) in enumerate(zip(turns, texts, strict=True))
        for number, text in enumerate(said)
    ]
    return Board(
        key=f"chat-{first.together or first.key}",
        recipe=recipe,
        system=first.system,
        sampling=first.sampling or ChatSampling(),
        asks=[Ask(name=first.name, scene=first.scene) if known else Ask(text=first.request)],
        columns=[Column(url="", model=turn.model, style=turn.style) for turn in turns],
        cells=cells,
        candidates=len(texts[0]),
    )


def votes_for(turns: Sequence[ChatTurn], recipe: str, best: int) -> list[Vote]:
    """Returns the votes for the answer at index ``best``, of the turns or of the candidates of a single one;
    none where there is nothing to compare it with."""
    board = board_of(turns, recipe)
    ballot = ballot_of(board, board.cells[best])
    if ballot is None:
        return []
    text = board.cells[best].text.strip()
    return choose(board, ballot, next(cell for cell in ballot.cells if cell.text.strip() == text))
