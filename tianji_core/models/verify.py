"""``python -m tianji_core.models.verify FOLDER --prompt TEXT``: load a model and let it answer once.

A process of its own, so that its memory is free again when it ends. The last line of its output is one JSON object.
"""

import argparse
import json
import sys
from pathlib import Path

SMALL = 4e9
"""Bytes of weights up to which a CPU computes in float32; larger ones keep 16 bits, or they would not fit."""


def answer(folder: Path, prompt: str, system: str, max_tokens: int, runs_code: bool) -> str:
    """The greedy answer of the model in ``folder`` to one prompt, under the internlm2_chat template."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tianji_core.models.nano.template import END
    from tianji_core.models.nano.template import prompt as framed
    from tianji_core.training.base import checked_base

    small = checked_base(folder).size < SMALL
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.float16 if device == "cuda" else torch.float32 if small else torch.bfloat16
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=runs_code)
    model = AutoModelForCausalLM.from_pretrained(
        folder, torch_dtype=dtype, trust_remote_code=runs_code, low_cpu_mem_usage=True
    ).to(device)
    model.eval()
    encoded = tokenizer(framed(prompt, system), return_tensors="pt", add_special_tokens=False)
    ids = encoded["input_ids"].to(device)
    ends = [tokenizer.convert_tokens_to_ids(END), tokenizer.eos_token_id]
    with torch.inference_mode():
        made = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=max_tokens,
            do_sample=False,
            eos_token_id=[end for end in ends if end is not None],
            pad_token_id=tokenizer.pad_token_id
            if tokenizer.pad_token_id is not None
            else tokenizer.eos_token_id,
        )
    text = tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True)
    return str(text).partition(END)[0].strip()


def main(argv: list[str]) -> int:
    """Print one answer as JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m tianji_core.models.verify", description="let a model answer once"
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--prompt", required=True)
    parser.add_argument("--system", default="")
    parser.add_argument("--max-tokens", type=int, default=48)
    parser.add_argument("--trust-remote-code", action="store_true", help="run Python code in the folder")
    given = parser.parse_args(argv)
    text = answer(given.folder, given.prompt, given.system, given.max_tokens, given.trust_remote_code)
    print(json.dumps({"answer": text}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
