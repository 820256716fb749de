"""A model behind an OpenAI-compatible address is asked the same questions, each in a conversation of its
own."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tianji_core.errors import ServerError
from tianji_core.evaluation import Checker, evaluate_server, held_out_cases
from tianji_core.recipe import built_in_recipes, load_recipe

RECIPE = load_recipe(built_in_recipes()["wishes"])
CASES = held_out_cases(RECIPE, ("正常",), limit=12)


class Asked(ThreadingHTTPServer):
    """A server that keeps the conversations it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Writer)
        self.asked: list[list[dict[str, str]]] = []


class Writer(BaseHTTPRequestHandler):
    """Streams an answer that names the right person."""

    server: Asked

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body["messages"])
        case = next(c for c in CASES if c.request == body["messages"][-1]["content"])
        text = f"祝{case.name.text}{case.scene.wish}，愿{case.name.pronoun.value}平安健康，事事顺心如意，天天都好。"
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for number, piece in enumerate((text[:5], text[5:])):
            self.event({"delta": {"content": piece}, "finish_reason": None if number == 0 else "stop"})
        self.wfile.write(b"data: [DONE]\n\n")

    def event(self, choice: dict) -> None:
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        self.wfile.write(f"data: {json.dumps({**chunk, 'choices': [{'index': 0, **choice}]})}\n\n".encode())

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def server():
    with Asked() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def test_every_case_is_asked_once_with_the_recipes_system_prompt(server):
    told: list[tuple[int, int]] = []
    url = f"http://127.0.0.1:{server.server_port}/v1"
    report = evaluate_server(url, "m", CASES, Checker(RECIPE), on_answers=lambda *n: told.append(n))
    assert told == [(done, len(CASES)) for done in range(1, len(CASES) + 1)]
    assert sorted(m[-1]["content"] for m in server.asked) == sorted(c.request for c in CASES)
    assert {m[0]["content"] for m in server.asked} == {RECIPE.prompts.system}
    assert [one.case for one in report.judged] == CASES
    assert all(one.case.name.text in one.answer for one in report.judged)
    assert report.overall.person == report.overall.pronoun == 1.0


def test_a_server_that_is_not_there_is_an_error():
    with pytest.raises(ServerError):
        evaluate_server("http://127.0.0.1:9/v1", "m", CASES[:1], Checker(RECIPE))
