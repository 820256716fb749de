"""The conversation format of internlm2_chat, identical to the trainer's and to the tokenizer's chat
template."""

BOS, EOS, PAD, UNK = "<s>", "</s>", "<pad>", "<unk>"
START, END = "<|im_start|>", "<|im_end|>"
SPECIAL = (UNK, BOS, EOS, PAD, START, END)
"""Special tokens; the index is the token id."""

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def prompt(request: str, system: str = "") -> str:
    """Returns a one-turn conversation up to the assistant's answer."""
    head = f"{BOS}{START}system\n{system}{END}\n" if system else BOS
    return f"{head}{START}user\n{request}{END}\n{START}assistant\n"


def answer(text: str) -> str:
    """Returns the assistant's answer that follows :func:`prompt`."""
    return f"{text}{END}"
