"""Tells the two legacy encodings of Chinese apart by how common the characters are that a text has under
each: also in a text of few characters, which says too little to a general recogniser."""

_CLEAR = 0.15
"""By how much the share of common characters must differ."""
_ASCII = 0x80


def clear_chinese_codec(sample: bytes) -> str | None:
    """Returns gb18030 or big5hkscs where a text that is no UTF-8 is clearly one of them, None where it may be
    both or is neither. A character cut off at the end does not count."""
    shares = {codec: _common_share(sample, codec) for codec in ("gb18030", "big5hkscs")}
    gb, big5 = shares["gb18030"], shares["big5hkscs"]
    if gb is None or big5 is None or abs(gb - big5) < _CLEAR:
        return None
    return "gb18030" if gb > big5 else "big5hkscs"


def is_gbk_after_all(data: bytes) -> bool:
    """Whether bytes that are UTF-8, too, are words in GBK: in UTF-8 nothing but letters of two bytes, such as
    Cyrillic ones, in GBK nothing but common characters. '谢谢' alone is such a text; longer ones in Cyrillic,
    Greek or Latin letters have some that are no common character."""
    beyond = [byte for byte in data if byte >= _ASCII]
    if not beyond or any(chr(byte).isalpha() for byte in data if byte < _ASCII):
        return False
    return all(0xCE <= byte <= 0xD7 for byte in beyond[::2]) and _common_share(data, "gb18030") == 1.0


def _common_share(sample: bytes, codec: str) -> float | None:
    """Returns the share (0 to 1) of marks and common characters among those beyond ASCII."""
    try:
        text = sample.decode(codec)
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 3:
            return None
        text = sample[: error.start].decode(codec)
    beyond = [character for character in text if ord(character) >= _ASCII]
    if not beyond:
        return None
    return sum(_is_common(character.encode(codec), codec) for character in beyond) / len(beyond)


def _is_common(encoded: bytes, codec: str) -> bool:
    """Whether a character is a mark or of the first plane, which holds the frequent ones: GB 2312's level 1,
    Big5's frequently used characters."""
    if len(encoded) != 2:
        return False
    if codec == "gb18030":
        return encoded[1] >= 0xA1 and (0xA1 <= encoded[0] <= 0xA3 or 0xB0 <= encoded[0] <= 0xD7)
    return 0xA1 <= encoded[0] <= 0xC6
