"""The same tokenizer in Rust, converted from the sentencepiece model, which needs its protobuf classes."""

from tokenizers import decoders, normalizers, processors
from transformers.convert_slow_tokenizer import SLOW_TO_FAST_CONVERTERS, SpmConverter
from transformers.tokenization_utils_fast import PreTrainedTokenizerFast

from .tokenization_wish import WishTokenizer


class WishConverter(SpmConverter):
    """Without the space that sentencepiece would put in front."""

    handle_byte_fallback = True

    def vocab(self, proto):
        return [(piece.piece, piece.score) for piece in proto.pieces]

    def normalizer(self, proto):
        return normalizers.Replace(" ", "▁")

    def pre_tokenizer(self, replacement, add_prefix_space):
        return None

    def decoder(self, replacement, add_prefix_space):
        return decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])

    def post_processor(self):
        bos = self.original_tokenizer.bos_token
        return processors.TemplateProcessing(
            single=[bos, "$A"],
            pair=[bos, "$A", "$B"],
            special_tokens=[(bos, self.original_tokenizer.bos_token_id)],
        )


SLOW_TO_FAST_CONVERTERS["WishTokenizer"] = WishConverter


class WishTokenizerFast(PreTrainedTokenizerFast):
    """The fast class."""

    vocab_files_names = {"vocab_file": "tokenizer.model"}  # noqa: RUF012
    slow_tokenizer_class = WishTokenizer
    model_input_names = ["input_ids", "attention_mask"]  # noqa: RUF012

    def __init__(self, vocab_file=None, tokenizer_file=None, **more):
        super().__init__(vocab_file=vocab_file, tokenizer_file=tokenizer_file, **more)
