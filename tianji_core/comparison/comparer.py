"""Filling a board: many answers at the same time, in threads that outlive a page refresh."""

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from tianji_core.comparison.board import Board, Cell, Column, load_board, save_board
from tianji_core.errors import InputError, StudioError
from tianji_core.i18n import _
from tianji_core.serving.client import Message, chat_stream
from tianji_core.serving.launch import HOST, PROBE_TIMEOUT, RunningServer, servers
from tianji_core.workspace import Workspace

AT_ONCE = 32
"""Streams that one board keeps open; a server batches them, and what is too much for it waits in its queue."""


class Comparer:
    """Runs boards of one workspace. Keep one per process."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._running: dict[str, _Run] = {}
        self._retrying = threading.Lock()

    def start(self, board: Board) -> None:
        """Ask for every cell and return at once; the board's cells change while answers come in."""
        save_board(self._workspace, board)
        self._running = {key: run for key, run in self._running.items() if not run.board.ended}
        self._running[board.key] = _Run(self._workspace, board)

    def retry(self, key: str) -> Board:
        """Ask again for every cell that has no answer: failed, stopped or empty. Filled ones stay as they are. Where a
        server of this machine has gone, another that has its model is asked: one started anew has another port. One that
        another column asks for the same model is another column's: it may hold it in another precision.

        Raises:
            InputError: there is no such board, it is still being filled, or nothing is missing.
        """
        # Looking for servers takes a moment, and a second press must see what the first began.
        with self._retrying:
            return self._again(key)

    def _again(self, key: str) -> Board:
        board = self.board(key)
        missing = [cell for cell in board.cells if not cell.answered]
        if not board.ended:
            raise InputError(_("这次对比还在作答，请先等它结束或停止它"))
        if not missing:
            raise InputError(_("每一格都有答案了，没有要重问的"))
        ready = [server for server in servers(self._workspace) if server.ready]
        asked = {(column.url, column.model) for column in board.columns}
        board.columns = [_found_again(column, ready, asked) for column in board.columns]
        for cell in missing:
            cell.clear()
        self._running[key] = _Run(self._workspace, board)
        return board

    def board(self, key: str) -> Board:
        """A board as it is now, running or kept.

        Raises:
            InputError: there is none.
        """
        run = self._running.get(key)
        return run.board if run is not None else load_board(self._workspace, key)

    def stop(self, key: str) -> None:
        """Hang up on everything that is still being answered."""
        if (run := self._running.get(key)) is not None:
            run.stop.set()

    def wait(self, key: str, each: Callable[[Board], None] | None = None) -> Board:
        """Block until a board has ended; ``each`` is called about five times a second."""
        while True:
            board = self.board(key)
            if each is not None:
                each(board)
            if board.ended:
                return board
            time.sleep(0.2)


def _found_again(column: Column, ready: Sequence[RunningServer], asked: set[tuple[str, str]]) -> Column:
    address = urlsplit(column.url)
    if address.hostname != HOST or any(server.url == column.url for server in ready):
        return column
    with contextlib.suppress(OSError), socket.create_connection((HOST, address.port or 80), PROBE_TIMEOUT):
        return column  # a server that we did not start
    for server in ready:
        if column.model in server.models and (server.url, column.model) not in asked:
            return column.model_copy(update={"url": server.url, "key_variable": server.key_variable})
    return column


class _Run:
    def __init__(self, workspace: Workspace, board: Board) -> None:
        self.board = board
        self.stop = threading.Event()
        self._workspace = workspace
        self._todo = deque(cell for cell in board.cells if not cell.ended)
        self._saving = threading.Lock()
        for _each in range(min(AT_ONCE, len(self._todo))):
            threading.Thread(target=self._work, name=f"compare-{board.key}", daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                cell = self._todo.popleft()
            except IndexError:
                return
            self._answer(cell, self.board.columns[cell.column])
            with self._saving:
                try:
                    save_board(self._workspace, self.board)
                except StudioError as error:  # a full disk: the answers are still on the page
                    print(error, flush=True)

    def _answer(self, cell: Cell, column: Column) -> None:
        if self.stop.is_set():
            cell.state = "stopped"
            return
        cell.state = "streaming"
        key = self._workspace.key(column.key_variable) if column.key_variable else None
        messages = [Message("system", self.board.system), Message("user", cell.request)]
        state, error = "done", ""
        started = time.monotonic()
        try:
            sampling = self.board.sampling_of(cell)
            stream = chat_stream(column.url, column.model, messages, sampling, key)
            started = time.monotonic()
            for chunk in stream:
                if chunk.text and cell.first is None:
                    cell.first = time.monotonic() - started
                cell.text += chunk.text
                cell.tokens = chunk.completion_tokens or cell.tokens
                if self.stop.is_set():
                    stream.close()
                    state = "stopped"
                    break
        except StudioError as failure:
            state, error = "failed", str(failure)
        except Exception as failure:  # a cell must end, whatever a foreign server sends
            state, error = "failed", f"{type(failure).__name__}: {failure}"
        cell.error, cell.seconds = error, time.monotonic() - started
        cell.state = state  # type: ignore[assignment]
