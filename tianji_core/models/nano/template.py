"""The conversation format of internlm2_chat, as the trainer lays it out and as the tokenizer's chat template does."""

BOS, EOS, PAD, UNK = "<s>", "</s>", "<pad>", "<unk>"
START, END = "<|im_start|>", "<|im_end|>"
SPECIAL = (UNK, BOS, EOS, PAD, START, END)
"""Special tokens; the position is the token id."""

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def prompt(request: str, system: str = "") -> str:
    """A one-turn conversation up to the place where the assistant begins to answer."""
    head = f"{BOS}{START}system\n{system}{END}\n" if system else BOS
    return f"{head}{START}user\n{request}{END}\n{START}assistant\n"


def answer(text: str) -> str:
    """The assistant's turn that follows :func:`prompt`."""
    return f"{text}{END}"
