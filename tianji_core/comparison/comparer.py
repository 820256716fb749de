"""Fills a board: many answers at the same time, in threads that continue when the page is refreshed."""

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from tianji_core.comparison.board import Board, Cell, Column, load_board, save_board
from tianji_core.errors import InputError, StudioError
from tianji_core.gate import clean_sentence
from tianji_core.i18n import _
from tianji_core.roles import check_may_write
from tianji_core.serving.client import Message, chat_stream
from tianji_core.serving.launch import HOST
from tianji_core.serving.running import PROBE_TIMEOUT, RunningServer, servers
from tianji_core.workspace import Workspace

AT_ONCE = 32
"""Streams that one board keeps open; the server batches them and queues what exceeds its capacity."""


class Comparer:
    """Fills the boards of one workspace. Create one per process."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._running: dict[str, _Run] = {}
        self._retrying = threading.Lock()

    def start(self, board: Board) -> None:
        """Starts filling every cell and returns at once; the board's cells change while answers arrive."""
        save_board(self._workspace, board)
        self._running = {key: run for key, run in self._running.items() if not run.board.ended}
        self._running[board.key] = _Run(self._workspace, board)

    def retry(self, key: str) -> Board:
        """Asks again for every cell without an answer (failed, stopped or empty) and returns the board.

        Where a server of this machine has stopped, another one that serves the model is asked, because a
        restarted server has another port. Servers that another column already uses for the same model are
        skipped: they may serve it in another precision.

        Raises:
            InputError: there is no such board, it is still being filled, or nothing is missing.
        """
        # Finding the servers takes a moment; a second press must see what the first one started.
        check_may_write()
        with self._retrying:
            return self._retry(key)

    def _retry(self, key: str) -> Board:
        board = self.board(key)
        missing = [cell for cell in board.cells if not cell.answered]
        if not board.ended:
            raise InputError(_("这次对比还在作答，请先等它结束或停止它"))
        if not missing:
            raise InputError(_("每一格都有答案了，没有要重问的"))
        ready = [server for server in servers(self._workspace) if server.ready]
        asked = {(column.url, column.model) for column in board.columns}
        board.columns = [_reachable(column, ready, asked) for column in board.columns]
        for cell in missing:
            cell.clear()
        self._running[key] = _Run(self._workspace, board)
        return board

    def board(self, key: str) -> Board:
        """Returns a board in its present state, running or stored.

        Raises:
            InputError: there is none.
        """
        run = self._running.get(key)
        return run.board if run is not None else load_board(self._workspace, key)

    def stop(self, key: str) -> None:
        """Closes every stream of a board that is still open."""
        check_may_write()
        if (run := self._running.get(key)) is not None:
            run.stop.set()

    def wait(self, key: str, watch: Callable[[Board], None] | None = None) -> Board:
        """Returns a board when it has ended; ``watch`` is called about five times a second until then."""
        while True:
            board = self.board(key)
            if watch is not None:
                watch(board)
            if board.ended:
                return board
            time.sleep(0.2)


def _reachable(column: Column, ready: Sequence[RunningServer], asked: set[tuple[str, str]]) -> Column:
    """The column, at another server of this machine where its own has stopped; ``asked`` are the (address,
    model) pairs of the board."""
    address = urlsplit(column.url)
    if address.hostname != HOST or any(server.url == column.url for server in ready):
        return column
    with contextlib.suppress(OSError), socket.create_connection((HOST, address.port or 80), PROBE_TIMEOUT):
        return column  # a server that the studio did not start
    for server in ready:
        if column.model in server.models and (server.url, column.model) not in asked:
            return column.model_copy(update={"url": server.url, "key_variable": server.key_variable})
    return column


class _Run:
    """The threads that fill one board."""

    def __init__(self, workspace: Workspace, board: Board) -> None:
        self.board = board
        self.stop = threading.Event()
        self._workspace = workspace
        self._todo = deque(cell for cell in board.cells if not cell.ended)
        self._saving = threading.Lock()
        for _thread in range(min(AT_ONCE, len(self._todo))):
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
                except StudioError as error:  # e.g. a full disk; the answers stay in memory
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
        except Exception as failure:  # every cell must end, whatever the server sends
            state, error = "failed", clean_sentence(f"{type(failure).__name__}: {failure}")
        cell.error, cell.seconds = error, time.monotonic() - started
        cell.state = state  # type: ignore[assignment]
