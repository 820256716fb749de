"""``python -m tianji_core.models.gguf.check MODEL FILE``: compares a GGUF file with the merged model that it
was made from, on the CPU.

The file is read by llama.cpp's own server, as its users will ask it: its template renders the conversation,
its tokenizer makes the ids, and it chooses the next token after every prefix of the merged model's greedy
answers. The last line of the output is one JSON object.
"""

import argparse
import gc
import json
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tianji_core.files import write_json
from tianji_core.model_folders.answering import load
from tianji_core.model_folders.messages import ChatMessage
from tianji_core.model_folders.prompt import encode, stop_tokens, with_system

TOKENS = 24
"""Tokens of each answer that are compared."""
ODD = "Hello  World\n\n　 2024年10月1日，3.14%～🎂🎉 it's\t“好”…ĀßЖ"
"""Text that tokenizers often split differently."""
Conversation = list[tuple[str, str]]


@dataclass
class ReferenceAnswer:
    """A conversation, its prompt ids, the merged model's greedy answer, per token of it the log-probabilities
    (vocabulary), and the tokens that end an answer."""

    conversation: Conversation
    ids: list[int]
    tokens: list[int]
    scores: Any
    stop: list[int]


def conversations(prompts: list[str]) -> list[Conversation]:
    """Returns the conversations that are compared: those that are answered first, as many as prompts."""
    asked: list[Conversation] = [[("user", text)] for text in prompts]
    turns = [("user", prompts[0]), ("assistant", ODD), ("user", prompts[-1])]
    return [*asked, [("system", ODD), *turns], [("user", ODD)], [("system", " "), ("user", prompts[0])]]


def merged_answers(
    model: Any, tokenizer: Any, template: str, system: str, asked: list[Conversation], answered: int
) -> list[ReferenceAnswer]:
    """Returns what the merged model makes of each conversation; only the first ``answered`` get an answer."""
    import torch

    stop = sorted(stop_tokens(tokenizer, model.generation_config.eos_token_id))
    answers = []
    with torch.inference_mode():
        for number, conversation in enumerate(asked):
            messages = [ChatMessage(role=role, content=content) for role, content in conversation]
            ids = encode(tokenizer, template, with_system(messages, system))
            if number >= answered:
                answers.append(ReferenceAnswer(conversation, ids, [], None, stop))
                continue
            row = torch.tensor([ids], device=model.device)
            made = model.generate(
                row,
                attention_mask=torch.ones_like(row),
                max_new_tokens=TOKENS,
                do_sample=False,
                eos_token_id=stop,
                pad_token_id=0,
            )
            logits = model(made).logits[0, len(ids) - 1 : -1].float()
            answer = made[0, len(ids) :].tolist()
            answers.append(ReferenceAnswer(conversation, ids, answer, logits.log_softmax(-1), stop))
    return answers


class CheckedFile:
    """A GGUF file in llama.cpp's server on a free port of this machine."""

    def __init__(self, file: Path) -> None:
        import xllamacpp

        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(file)
        parameters.n_ctx, parameters.n_parallel, parameters.n_gpu_layers = 2048, 1, 0
        parameters.port, parameters.warmup = 0, False
        self._server = xllamacpp.Server(parameters)

    def _post(self, path: str, body: dict[str, object]) -> Any:
        request = urllib.request.Request(
            self._server.listening_address + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=600) as reply:
            return json.load(reply)

    def prompt_ids(self, conversation: Conversation) -> list[int]:
        """Returns the ids that the file makes of a conversation."""
        messages = [{"role": role, "content": content} for role, content in conversation]
        prompt = self._post("/apply-template", {"messages": messages})["prompt"]
        asked = {"content": prompt, "add_special": True, "parse_special": True}
        return [int(token) for token in self._post("/tokenize", asked)["tokens"]]

    def next_token(self, ids: list[int]) -> int | None:
        """Returns the most likely token after these ids, None for one that ends the answer."""
        asked = {"prompt": ids, "n_predict": 1, "temperature": 0, "return_tokens": True}
        chosen = self._post("/completion", asked)["tokens"]
        return int(chosen[0]) if chosen else None

    def answer(self, conversation: Conversation, tokens: int) -> str:
        """Returns the greedy answer to a conversation."""
        messages = [{"role": role, "content": content} for role, content in conversation]
        asked = {"messages": messages, "temperature": 0, "max_tokens": tokens}
        return str(self._post("/v1/chat/completions", asked)["choices"][0]["message"]["content"]).strip()


def compared(served: CheckedFile, answers: list[ReferenceAnswer], apart: float) -> dict[str, Any]:
    """Returns the conversations whose prompt ids differ (``prompts``), the share of answer tokens on which
    both agree within ``apart`` (``agreement``), the share that is exactly the same (``same``), and the number
    of tokens compared (``tokens``)."""
    differing = [a.conversation[-1][1] for a in answers if served.prompt_ids(a.conversation) != a.ids]
    same = close = total = 0
    for answer in answers:
        for at, token in enumerate(answer.tokens):
            chosen = served.next_token(answer.ids + answer.tokens[:at])
            scores = answer.scores[at]
            meant = answer.stop if chosen is None else [chosen]
            same += token in meant
            close += bool(scores.max() - scores[meant].max() <= apart)
            total += 1
    return {"prompts": differing, "agreement": close / total, "same": same / total, "tokens": total}


def main(argv: list[str]) -> int:
    """Writes the result to the file ``report``: llama.cpp prints to both streams. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tianji_core.models.gguf.check")
    parser.add_argument("model", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("report", type=Path)
    parser.add_argument("--prompt", action="append", required=True)
    parser.add_argument("--system", default="")
    parser.add_argument("--template", required=True)
    parser.add_argument("--apart", type=float, required=True)
    parser.add_argument("--trust-remote-code", action="store_true", help="run Python code in the folder")
    given = parser.parse_args(argv)
    model, tokenizer = load(given.model, None, given.trust_remote_code)
    asked = conversations(given.prompt)
    answers = merged_answers(model, tokenizer, given.template, given.system, asked, len(given.prompt))
    # bfloat16 has three digits, so its own rounding moves a log-probability by more than float16's.
    apart = given.apart if str(model.dtype) == "torch.float32" else max(given.apart, 0.25)
    del model
    gc.collect()
    served = CheckedFile(given.file)
    result = compared(served, answers, apart)
    result["answers"] = [served.answer(each, 2 * TOKENS) for each in asked[: len(given.prompt)]]
    write_json(given.report, result)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
