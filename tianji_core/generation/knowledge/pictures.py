"""The text in pictures and scanned pages, by RapidOCR, whose models are in its package. Called in the child
process of a conversion."""

import io
from typing import Any

MOST_PIXELS = 60_000_000
"""Pixels of a picture: a page at 600 dpi has half of it."""
_LONGEST = 3000
"""Pixels of the longer side that are read; a larger picture is made smaller."""
_SURE = 0.5
"""Confidence (0-1) from which a line counts."""
_SCALE = 2.0
"""Enlargement of a page of 72 dpi."""
NO_OCR = "no ocr"
"""The reason where RapidOCR is not installed."""


def reader() -> Any:
    """Returns what reads pictures.

    Raises:
        ValueError: RapidOCR is not installed, with :data:`NO_OCR`.
    """
    try:
        from rapidocr_onnxruntime import RapidOCR
    except ImportError as error:
        raise ValueError(NO_OCR) from error
    return RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)


def text_of_picture(read: Any, data: bytes) -> str:
    """Returns the lines of a picture, top down."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS // 2  # Pillow refuses twice of it
    with Image.open(io.BytesIO(data)) as picture:
        return _lines(read, picture)


def text_of_scan(read: Any, data: bytes) -> str:
    """Returns the lines of every page of a PDF, which is drawn for it."""
    import pypdfium2

    document = pypdfium2.PdfDocument(data)
    texts = []
    for page in document:
        longest = max(page.get_size())
        scale = min(_SCALE, _LONGEST / max(longest, 1))
        texts.append(_lines(read, page.render(scale=scale).to_pil()))
        page.close()
    return "\n\n".join(filter(None, texts))


def _lines(read: Any, picture: Any) -> str:
    import numpy as np

    picture.thumbnail((_LONGEST, _LONGEST))
    found, _times = read(np.asarray(picture.convert("RGB"))[:, :, ::-1])
    return "\n".join(text for _box, text, sure in found or () if float(sure) >= _SURE)
