"""The character-level tokenizer: one token for each known character, UTF-8 bytes for all others, so that
nothing is unknown. Its files are written directly, so they do not depend on the version of transformers."""

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tianji_core.files import write_json, write_text
from tianji_core.models.nano.template import BOS, CHAT_TEMPLATE, EOS, PAD, SPECIAL, UNK

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CONTEXT = 2048
"""Context length of the base in tokens; its longest training text is shorter."""
_PUNCTUATION = "，。！？、；：“”‘’（）《》〈〉【】「」『』…—～~·￥％＋－＝×÷°℃①②③④⑤⑥⑦⑧⑨⑩　\t\n"
_EMOJI = (
    "😀😁😂🤣😊😇🙂😉😍🥰😘😋😎🤩🥳😏😢😭😤😡🤔🤗🤭🤫🤓🙈👍👏🙏🙌🤝💪👀👋👌✌❤🧡💛💚💙💜🖤💔💕💖💗💓💞💝💘💟"
    "🎂🎉🎊🎁🎈🎄🎆🎇🧨🧧🏮🎋🎐🎏🎵🎶🎤🎧🎸🎬🎨🎯🏆🥇🥈🥉🏅🎖⚽🏀🏃🚴🏊🌸🌹🌺🌻🌼🌷💐🌿🍀🍁🍂🍃🌲🌳🌵🌾🎍🪴🪷"
    "☀🌞🌙🌛🌕🌝⭐🌟✨💫⚡🔥🌈☁🌧❄☃⛄💧🌊🌌🌅🌄🏔⛰🍎🍊🍋🍉🍇🍓🍑🍒🥝🍰🧁🍭🍬🍫🍪🍩🥮🥟🍜🍚🍵☕🍺🍻🥂🍷🥣🍲🍱🐰🐱🐶🐼🐯🐲🐉🐎🐑🐓"
    "🕊🦋🐝🐟👑💍💎👗👔🎓🎒💄💰💵💴💳🪙📈📊💼📱💻🖥📷🎥📚📖✏📝📌📅🔔🔑🏠🏡🏢🏥🏫🚀✈🚗🚄🚢⛵⏰⌛💊💉🩺🩹👨👩👧👦👪👵👴👶💃🕺💒🎗🧄🤑"
    "\u200d\ufe0f💯✅❌❗❓💤💦💨🆗🆕"
)


def common_characters() -> list[str]:
    """Returns the 3,755 most common Chinese characters (level 1 of GB 2312), ASCII, punctuation and common
    emoji."""
    hanzi = [
        bytes((row, column)).decode("gb2312")
        for row, column in itertools.product(range(0xB0, 0xD8), range(0xA1, 0xFF))
        if not (row == 0xD7 and column > 0xF9)
    ]
    return hanzi + [chr(c) for c in range(0x20, 0x7F)] + list(_PUNCTUATION) + list(_EMOJI)


def vocabulary(texts: Iterable[str]) -> dict[str, int]:
    """Returns the id of each token: the special tokens, the 256 bytes, then the common characters and
    those of ``texts``, sorted, so that the order of the texts does not matter."""
    characters = sorted(set(common_characters()).union(*texts))
    tokens = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *characters]
    return {token: number for number, token in enumerate(tokens)}


def character_tokenizer(vocab: dict[str, int]) -> "Tokenizer":
    """Returns a tokenizer over ``vocab``: byte-pair encoding without merges is one token per character."""
    from tokenizers import AddedToken, Tokenizer, decoders, models

    tokenizer = Tokenizer(
        models.BPE(vocab=vocab, merges=[], unk_token=UNK, byte_fallback=True, fuse_unk=False)
    )
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    return tokenizer


def write_tokenizer(vocab: dict[str, int], folder: Path) -> "Tokenizer":
    """Writes ``tokenizer.json`` and ``tokenizer_config.json``; returns the tokenizer."""
    tokenizer = character_tokenizer(vocab)
    write_text(folder / "tokenizer.json", tokenizer.to_str(pretty=False) + "\n")
    added = {
        str(vocab[token]): {
            "content": token,
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": True,
        }
        for token in SPECIAL
    }
    write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "added_tokens_decoder": added,
            "additional_special_tokens": list(SPECIAL[4:]),
            "bos_token": BOS,
            "eos_token": EOS,
            "pad_token": PAD,
            "unk_token": UNK,
            "chat_template": CHAT_TEMPLATE,
            "clean_up_tokenization_spaces": False,
            "model_max_length": CONTEXT,
            "padding_side": "left",
            "model_input_names": ["input_ids", "attention_mask"],
        },
    )
    special = {"bos_token": BOS, "eos_token": EOS, "pad_token": PAD, "unk_token": UNK}
    write_json(
        folder / "special_tokens_map.json", {**special, "additional_special_tokens": list(SPECIAL[4:])}
    )
    return tokenizer
