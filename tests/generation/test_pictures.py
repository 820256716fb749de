"""Pictures and scanned pages, read by the real RapidOCR."""

import io
import subprocess
import zlib

import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

from tianji_core.errors import InputError
from tianji_core.generation.knowledge import read_document

pytest.importorskip("rapidocr_onnxruntime")
LINES = ("祝外婆生日快乐，福如东海。", "愿您身体健康，天天开心。")


def font() -> str:
    found = subprocess.run(
        ["fc-list", ":lang=zh", "file"], capture_output=True, text=True, check=False
    ).stdout
    if not (paths := sorted(line.split(":")[0] for line in found.splitlines())):
        pytest.skip("no Chinese font")
    return paths[0]


def picture(lines: tuple[str, ...] = LINES, kind: str = "PNG") -> bytes:
    image = Image.new("RGB", (900, 260), "white")
    draw, face = ImageDraw.Draw(image), ImageFont.truetype(font(), 36)
    for number, line in enumerate(lines):
        draw.text((30, 30 + 90 * number), line, font=face, fill="black")
    target = io.BytesIO()
    image.save(target, kind)
    return target.getvalue()


@pytest.mark.parametrize(("name", "kind"), [("a.png", "PNG"), ("a.jpg", "JPEG"), ("scan.pdf", "PDF")])
def test_the_text_of_a_picture_is_read(name: str, kind: str):
    read = read_document(name, picture(kind=kind)).text
    assert "祝外婆生日快乐" in read and "愿您身体健康" in read


def scan(pages: int) -> bytes:
    """A PDF of pictures of text."""
    drawn = [Image.open(io.BytesIO(picture())).convert("RGB") for _ in range(pages)]
    target = io.BytesIO()
    drawn[0].save(target, "PDF", save_all=True, append_images=drawn[1:])
    return target.getvalue()


def test_the_pages_of_a_scan_are_told_as_they_are_read():
    told: list[tuple[int, int]] = []
    read = read_document("scan.pdf", scan(4), heard=lambda done, total: told.append((done, total)))
    assert read.text.count("祝外婆生日快乐") == 4  # more bytes than a pipe takes at once
    assert told == sorted(told) and told[-1] == (4, 4)


def test_every_page_of_a_tiff_is_read():
    first, second = (Image.open(io.BytesIO(picture((line,)))) for line in LINES)
    target = io.BytesIO()
    first.save(target, "TIFF", save_all=True, append_images=[second])
    read = read_document("a.tif", target.getvalue()).text
    assert "祝外婆生日快乐" in read and "愿您身体健康" in read


def test_black_text_on_nothing_and_a_turned_photograph_are_read():
    drawn = Image.open(io.BytesIO(picture()))
    clear = Image.new("RGBA", drawn.size, (0, 0, 0, 0))
    clear.putalpha(ImageOps.invert(drawn.convert("L")))
    turned, exif = drawn.transpose(Image.Transpose.ROTATE_90), Image.Exif()
    exif[0x0112] = 6
    for name, image, kind in (("a.png", clear, "PNG"), ("a.jpg", turned, "JPEG")):
        target = io.BytesIO()
        image.save(target, kind, exif=exif if kind == "JPEG" else b"")
        assert "祝外婆生日快乐" in read_document(name, target.getvalue()).text


def test_a_picture_without_text_says_so():
    with pytest.raises(InputError, match="没有文字"):
        read_document("white.png", picture(()))


def test_a_picture_that_unpacks_to_a_huge_one_is_refused():
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    size = (30_000).to_bytes(4, "big")
    head = chunk(b"IHDR", size + size + bytes((8, 2, 0, 0, 0)))
    body = chunk(b"IDAT", zlib.compress(b"\0" * 10_000_000))
    with pytest.raises(InputError, match="bomb"):
        read_document("bomb.png", b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b""))
