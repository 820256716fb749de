"""Measures a comparison: 8 prompts × 3 styles × 4 models (a base and three adapters), all at once on the
model server, against plain ``transformers`` generation one by one; greedy, same settings, same machine.

    python benchmarks/compare_throughput.py            the built-in nano model, float32 on the CPU: bar 5×
    python benchmarks/compare_throughput.py --large    7.7 B of random bfloat16 weights on a GPU: bar 20×

Two more bars: the time to the first token while 16 other streams run, against an idle server (2×; the
figure for 16 simultaneous requests is printed beside it), and the memory of base and adapters against the
base alone (1.1×). With nano every answer must equal the baseline's.
"""

import argparse
import http.client
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

SYSTEM = "你现在是一个送祝福大师，帮我针对不同人和事情、节日送对应的祝福"
PEOPLE = ["赵老师", "大舅", "李总", "母亲", "妹妹", "爷爷", "表哥", "同事"]
SCENES = ["生日", "春节", "乔迁新居", "中秋节"]
STYLES = ["小红书", "正常", "严肃"]
MODELS = ["base", "red", "green", "blue"]
LARGE = {
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 92544,
    "max_position_embeddings": 4096,
}
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
RANK, STREAMS, PROBES = 64, 16, 24
BARS = {"first_token": 2.0, "memory": 1.1}


def requests() -> list[tuple[str, str]]:
    """Returns (model, request) of every cell."""
    texts = [
        f"祝{person}{SCENES[at % len(SCENES)]}" + ("" if style == "正常" else f",{style}风格")
        for at, person in enumerate(PEOPLE)
        for style in STYLES
    ]
    return [(model, text) for model in MODELS for text in texts]


def make_models(home: Path, large: bool) -> None:
    """Writes ``base`` and three adapters of random weights: rank 64 on every linear layer, as the studio
    trains."""
    import torch
    from peft import LoraConfig
    from safetensors.torch import save_file
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from tianji_core.models.nano import nano_base

    base, device = home / "base", "cuda" if large else "cpu"
    torch.manual_seed(0)
    if large:
        torch.set_default_dtype(torch.bfloat16)
        with torch.device(device):
            model = LlamaForCausalLM(LlamaConfig(**LARGE, tie_word_embeddings=False))
        model.save_pretrained(base, max_shard_size="4GB")
        AutoTokenizer.from_pretrained(nano_base()).save_pretrained(base)
        torch.set_default_dtype(torch.float32)
    else:
        model = LlamaForCausalLM.from_pretrained(nano_base())
        model.save_pretrained(base)
        AutoTokenizer.from_pretrained(nano_base()).save_pretrained(base)
    for name in MODELS[1:]:
        config = LoraConfig(r=RANK, lora_alpha=16, target_modules=TARGETS, task_type="CAUSAL_LM")
        config.base_model_name_or_path = str(base)
        config.save_pretrained(str(home / name))
        weights = {}
        for path, layer in model.named_modules():
            if path.rpartition(".")[2] in TARGETS:
                key = f"base_model.model.{path}"
                shapes = {"A": (RANK, layer.in_features), "B": (layer.out_features, RANK)}
                for half, shape in shapes.items():
                    matrix = torch.randn(shape, device=device) * (0.02 if half == "B" else shape[1] ** -0.5)
                    weights[f"{key}.lora_{half}.weight"] = matrix.to(model.dtype).cpu()
        save_file(weights, home / name / "adapter_model.safetensors", metadata={"format": "pt"})


def one_by_one(home: Path, max_tokens: int, one_in: int) -> None:
    """Runs the baseline over one cell in ``one_in`` and prints one JSON object; started as a child
    process."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tianji_core.model_folders.messages import ChatMessage
    from tianji_core.model_folders.prompt import encode, stop_tokens

    gpu = torch.cuda.is_available()
    tokenizer = AutoTokenizer.from_pretrained(home / "base")
    base = AutoModelForCausalLM.from_pretrained(
        home / "base", torch_dtype="auto" if gpu else torch.float32, device_map={"": "cuda" if gpu else "cpu"}
    ).eval()
    stops = sorted(stop_tokens(tokenizer, base.generation_config.eos_token_id))
    network: Any = base

    def answer(text: str) -> tuple[str, int]:
        messages = [ChatMessage(role="system", content=SYSTEM), ChatMessage(role="user", content=text)]
        ids = torch.tensor([encode(tokenizer, "internlm2_chat", messages)], device=base.device)
        made = network.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=max_tokens,
            do_sample=False,
            eos_token_id=stops,
            pad_token_id=stops[0],
        )[0, ids.shape[1] :]
        return tokenizer.decode(made, skip_special_tokens=True), len(made)

    answers, tokens, seconds = [], 0, 0.0
    for name in MODELS:
        if name != "base":
            if network is base:
                network = PeftModel.from_pretrained(
                    base, home / name, adapter_name=name, autocast_adapter_dtype=False
                )
            else:
                network.load_adapter(home / name, adapter_name=name, autocast_adapter_dtype=False)
            network.set_adapter(name)
        mine = [text for model, text in requests()[::one_in] if model == name]
        answer(mine[0])  # warm
        started = time.perf_counter()
        for text in mine:
            said, count = answer(text)
            answers.append(said)
            tokens += count
        seconds += time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "tokens": tokens, "answers": answers}))


class Server:
    """The model server in a process of its own; at first it serves the base alone."""

    def __init__(self, home: Path) -> None:
        command = [sys.executable, "-m", "tianji_core.serving.server", "--model", f"base={home / 'base'}"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if "/v1" in line:
                self._port = int(line.partition("127.0.0.1:")[2].partition("/")[0])
                break
        else:
            raise SystemExit("the server did not start")
        threading.Thread(target=self._process.stdout.read, daemon=True).start()

    def memory(self) -> int:
        """Returns bytes: of tensors on a GPU, of the whole process on a CPU."""
        with urlopen(f"http://127.0.0.1:{self._port}/health") as response:
            return json.load(response)["memory"]

    def _send(self, path: str, body: dict[str, Any]) -> tuple[http.client.HTTPConnection, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=300)
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        if response.status != 200:
            raise RuntimeError(response.read().decode())
        return connection, response

    def load(self, name: str, folder: Path) -> None:
        """Loads an adapter onto the base."""
        connection, response = self._send(
            "/v1/load_lora_adapter", {"lora_name": name, "lora_path": str(folder)}
        )
        response.read()
        connection.close()

    def ask(self, model: str, text: str, max_tokens: int) -> tuple[str, int]:
        """Returns (answer, its tokens) of a request without streaming."""
        connection, response = self._send("/v1/chat/completions", _body(model, text, max_tokens))
        value = json.loads(response.read())
        connection.close()
        return value["choices"][0]["message"]["content"], value["usage"]["completion_tokens"]

    def first_token(
        self, model: str, text: str, max_tokens: int, going: threading.Event | None = None
    ) -> float:
        """Returns the seconds from the request to the second event: the first event carries only the role,
        the second the first token. Reads on while ``going`` is set."""
        started = time.perf_counter()
        body = {**_body(model, text, max_tokens), "stream": True}
        connection, response = self._send("/v1/chat/completions", body)
        seen, seconds = 0, 0.0
        for line in response:
            seen += line.startswith(b"data:")
            if seen == 2 and not seconds:
                seconds = time.perf_counter() - started
                if going is None:
                    break
            if going is not None and not going.is_set():
                break
        connection.close()
        return seconds

    def close(self) -> None:
        """Ends the process."""
        self._process.terminate()
        self._process.wait(30)


def _body(model: str, text: str, max_tokens: int) -> dict[str, Any]:
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
    return {"model": model, "messages": messages, "temperature": 0, "max_tokens": max_tokens}


def together(server: Server, max_tokens: int) -> tuple[float, int, list[str]]:
    """Asks every cell at once; returns (seconds, tokens, answers)."""
    with ThreadPoolExecutor(len(requests())) as pool:
        started = time.perf_counter()
        found = list(pool.map(lambda cell: server.ask(cell[0], cell[1], max_tokens), requests()))
        seconds = time.perf_counter() - started
    return seconds, sum(count for _text, count in found), [text for text, _count in found]


def first_tokens(server: Server, max_tokens: int) -> tuple[float, float, float]:
    """Returns the median seconds to the first token: idle, beside 16 streams, of 16 simultaneous requests."""
    cells = requests()[:: len(requests()) // PROBES][:PROBES]
    idle = [server.first_token(model, text, 4) for model, text in cells]
    going = threading.Event()
    going.set()

    def stream(at: int) -> None:
        while going.is_set():
            model, text = requests()[at]
            server.first_token(model, text, 512, going)

    others = [threading.Thread(target=stream, args=(at * 5,)) for at in range(STREAMS)]
    for each in others:
        each.start()
    time.sleep(2)
    busy = [server.first_token(model, text, 4) for model, text in cells]
    going.clear()
    for each in others:
        each.join()
    burst: list[float] = []
    apart = requests()[: 5 * STREAMS : 5]
    for _round in range(3):
        with ThreadPoolExecutor(STREAMS) as pool:
            burst += pool.map(lambda cell: server.first_token(cell[0], cell[1], 4), apart)
    return statistics.median(idle), statistics.median(busy), statistics.median(burst)


class Served(NamedTuple):
    """Measurements of the server: seconds, tokens and answers of all cells at once, median seconds to the
    first token (idle, beside streams, in a burst), and bytes of memory with the base alone and with all
    four models."""

    seconds: float
    tokens: int
    answers: list[str]
    idle: float
    busy: float
    burst: float
    alone: int
    all_four: int


def baseline_of(home: Path, max_tokens: int, one_in: int) -> dict[str, Any]:
    """Returns seconds, tokens and answers of :func:`one_by_one`, run in a child process."""
    command = [sys.executable, __file__, "--baseline", str(home), "--max-tokens", str(max_tokens)]
    command += ["--one-in", str(one_in)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    baseline: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"one by one: {baseline['seconds']:.1f} s, {baseline['tokens']} tokens", flush=True)
    return baseline


def served(home: Path, max_tokens: int) -> Served:
    """Starts a server on the models in ``home`` and returns its measurements."""
    server = Server(home)
    try:
        server.ask("base", requests()[0][1], 4)
        alone = server.memory()
        for model in MODELS[1:]:
            server.load(model, home / model)
        all_four = server.memory()
        together(server, max_tokens)  # warm: on a card, steps of every number of rows become graphs
        seconds, tokens, answers = together(server, max_tokens)
        print(f"at once: {seconds:.2f} s, {tokens} tokens", flush=True)
        return Served(seconds, tokens, answers, *first_tokens(server, max_tokens), alone, all_four)
    finally:
        server.close()


def report(got: Served, baseline: dict[str, Any], one_in: int, large: bool) -> bool:
    """Prints the JSON line; returns whether every bar is met."""
    answers = zip(got.answers[::one_in], baseline["answers"], strict=True)
    same = sum(one == other for one, other in answers)
    rate, before = got.tokens / got.seconds, baseline["tokens"] / baseline["seconds"]
    ratios = {
        "throughput": rate / before,
        "first_token": got.busy / got.idle,
        "memory": got.all_four / got.alone,
    }
    bar = 20.0 if large else 5.0
    passed = (
        ratios["throughput"] >= bar
        and all(ratios[name] <= most for name, most in BARS.items())
        and (large or same == len(baseline["answers"]))
    )
    figures = {
        "tokens_per_second": round(rate, 1),
        "seconds": round(got.seconds, 2),
        "same_answers": f"{same}/{len(baseline['answers'])}",
        "first_token_idle_ms": round(got.idle * 1000, 1),
        "first_token_busy_ms": round(got.busy * 1000, 1),
        "first_token_burst_ms": round(got.burst * 1000, 1),
        "memory_base_mb": round(got.alone / 1e6),
        "memory_all_mb": round(got.all_four / 1e6),
    }
    result = {
        "benchmark": "compare_throughput",
        "figures": figures,
        "baseline": {"tokens_per_second": round(before, 1), "seconds": round(baseline["seconds"], 1)},
        "ratio": {name: round(ratio, 3) for name, ratio in ratios.items()},
        "bar": {"throughput": bar, **BARS},
        "pass": passed,
    }
    print(json.dumps(result, ensure_ascii=False))
    return passed


def main() -> int:
    """Measures and prints; returns 0 when every bar is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="7.7 B of random weights on a GPU")
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument(
        "--one-in",
        type=int,
        default=1,
        help="the baseline answers only one cell in so many; tokens per second are compared",
    )
    parser.add_argument("--baseline", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not 1 <= arguments.one_in <= len(PEOPLE) * len(STYLES):
        parser.error(f"--one-in: 1 to {len(PEOPLE) * len(STYLES)}, so that each model answers")
    if arguments.baseline:
        one_by_one(arguments.baseline, arguments.max_tokens, arguments.one_in)
        return 0
    with tempfile.TemporaryDirectory() as name:
        # In a process of its own: what it took of the card would be missing for the server.
        writer = multiprocessing.get_context("spawn").Process(
            target=make_models, args=(Path(name), arguments.large)
        )
        writer.start()
        writer.join()
        if writer.exitcode:
            raise SystemExit(f"the models could not be written: exit {writer.exitcode}")
        baseline = baseline_of(Path(name), arguments.max_tokens, arguments.one_in)
        got = served(Path(name), arguments.max_tokens)
    return 0 if report(got, baseline, arguments.one_in, arguments.large) else 1


if __name__ == "__main__":
    sys.exit(main())
