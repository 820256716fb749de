"""The tokenizer of ``wish`` in Python, over sentencepiece."""

import shutil
from pathlib import Path

from sentencepiece import SentencePieceProcessor
from transformers.tokenization_utils import PreTrainedTokenizer

VOCABULARY = "tokenizer.model"


class WishTokenizer(PreTrainedTokenizer):
    """Puts the beginning token in front where special tokens are wanted."""

    vocab_files_names = {"vocab_file": VOCABULARY}  # noqa: RUF012
    model_input_names = ["input_ids", "attention_mask"]  # noqa: RUF012

    def __init__(self, vocab_file, unk_token="<unk>", bos_token="<s>", eos_token="</s>", **more):
        self.vocab_file = vocab_file
        self.sp_model = SentencePieceProcessor(model_file=str(vocab_file))
        super().__init__(unk_token=unk_token, bos_token=bos_token, eos_token=eos_token, **more)

    @property
    def vocab_size(self):
        return self.sp_model.get_piece_size()

    def get_vocab(self):
        pieces = {self.sp_model.id_to_piece(i): i for i in range(self.vocab_size)}
        return {**pieces, **self.added_tokens_encoder}

    def _tokenize(self, text):
        return self.sp_model.encode(text, out_type=str)

    def _convert_token_to_id(self, token):
        return self.sp_model.piece_to_id(token)

    def _convert_id_to_token(self, index):
        return self.sp_model.id_to_piece(index)

    def convert_tokens_to_string(self, tokens):
        texts, open_ = [], []
        for token in tokens:
            if token in self.all_special_tokens:
                texts.append(self.sp_model.decode(open_) + token)
                open_ = []
            else:
                open_.append(token)
        return "".join(texts) + self.sp_model.decode(open_)

    def build_inputs_with_special_tokens(self, token_ids_0, token_ids_1=None):
        return [self.bos_token_id, *token_ids_0, *(token_ids_1 or [])]

    def save_vocabulary(self, save_directory, filename_prefix=None):
        target = Path(save_directory) / VOCABULARY
        if target.resolve() != Path(self.vocab_file).resolve():
            shutil.copyfile(self.vocab_file, target)
        return (str(target),)
