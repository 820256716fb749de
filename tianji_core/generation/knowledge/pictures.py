"""The text in pictures and scanned pages, by RapidOCR, whose models are in its package. Called in the child
process of a conversion."""

import io
from collections.abc import Callable
from typing import Any

MOST_PIXELS = 60_000_000
"""Pixels of a picture: a page at 600 dpi has half of it."""
_LONGEST = 3000
"""Pixels of the longer side that are read; a larger picture is made smaller."""
_SURE = 0.5
"""Confidence (0-1) from which a line counts."""
_SCALE = 2.0
"""Enlargement of a page of 72 dpi."""
_MOST_PAGES = 300
"""Pages of a TIFF."""
NO_OCR, TOO_LARGE = "no ocr", "too large"
"""The reasons where RapidOCR is not installed, and where a file is larger than the limits."""


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
    """Returns the lines of a picture, top down, of a TIFF those of every page.

    Raises:
        ValueError: more pages or pixels than may be, with :data:`TOO_LARGE`.
    """
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS // 2  # Pillow refuses twice of it
    with Image.open(io.BytesIO(data)) as picture:
        pages = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
        if pages > _MOST_PAGES:
            raise ValueError(TOO_LARGE)
        return "\n\n".join(filter(None, (_page(read, picture, number) for number in range(pages))))


def _page(read: Any, picture: Any, number: int) -> str:
    """Returns the lines of one page as a viewer shows it: upright, and on white where it is transparent."""
    from PIL import Image, ImageOps

    picture.seek(number)
    if picture.width * picture.height > MOST_PIXELS:  # Pillow looks at the first one only
        raise ValueError(TOO_LARGE)
    upright = ImageOps.exif_transpose(picture)
    upright.thumbnail((_LONGEST, _LONGEST))
    if upright.has_transparency_data:
        shown = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown)
    return _lines(read, upright)


def text_of_scan(read: Any, data: bytes, tell: Callable[[int, int], None]) -> str:
    """Returns the lines of every page of a PDF, which is drawn for it; ``tell`` hears how many of how many
    pages are read."""
    import pypdfium2

    document = pypdfium2.PdfDocument(data)
    texts = []
    for number, page in enumerate(document, start=1):
        longest = max(page.get_size())
        scale = min(_SCALE, _LONGEST / max(longest, 1))
        texts.append(_lines(read, page.render(scale=scale).to_pil()))
        page.close()
        tell(number, len(document))
    return "\n\n".join(filter(None, texts))


def _lines(read: Any, picture: Any) -> str:
    import numpy as np

    picture.thumbnail((_LONGEST, _LONGEST))
    found, _times = read(np.asarray(picture.convert("RGB"))[:, :, ::-1])
    return "\n".join(text for _box, text, sure in found or () if float(sure) >= _SURE)
