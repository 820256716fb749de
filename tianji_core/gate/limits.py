"""How much the studio takes in from outside. Bytes count after decompression; a character is a Unicode code
point."""

KIB, MIB = 1024, 1024 * 1024

BODY_BYTES = 4 * MIB
"""One whole answer. A million tokens never come back in one; 4 MiB hold 700,000 escaped Chinese
characters."""
STREAM_BYTES = 64 * MIB
"""One event stream: servers wrap each token in about 300 bytes."""
RESULT_BYTES = 64 * MIB
"""The file with the answers of one batch: 1,000 answers with their thinking are about 10 MiB."""
EVENT_BYTES = 1 * MIB
"""One event of a stream."""
ERROR_BYTES = 64 * KIB
"""The body of an error; the rest is not read, because the first sentence says what is wrong."""
PROBE_BYTES = 256 * KIB
"""The answer to a question about health or the list of models of a server on this machine."""

TEXT_CHARACTERS = 100_000
"""The text of one answer. A longer one is a model that repeats itself, and fails."""
REASONING_CHARACTERS = 50_000
"""The thinking that is stored beside a text; the rest is cut off."""
NAME_CHARACTERS = 200
"""A model's name or the number of a request."""
SENTENCE_CHARACTERS = 200
"""What a server says of an error, as a message shows it."""
EXAMINED_CHARACTERS = 4_000
"""How much of an error text is looked at before it is shortened."""

JSON_DEPTH = 64
JSON_MARKS = 200_000
"""Commas and brackets of a JSON text: each costs about 100 bytes of memory."""
REPAIRED_CHARACTERS = 40_000
"""Broken JSON that is repaired; the time of a repair grows with the square of its length."""
TOKENS = 1_000_000_000
"""The largest number of tokens that counts as one; what is above it is not known."""
MODELS = 2_000
"""Entries of a list of models."""
