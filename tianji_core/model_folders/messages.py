"""Messages of a conversation, as requests send them and prompts are made of."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tianji_core.i18n import _


class TextPart(BaseModel):
    """One part of a message whose content is a list; only text can be read."""

    model_config = ConfigDict(extra="ignore")

    type: str = "text"
    text: str = ""


class ChatMessage(BaseModel):
    """One message of a conversation, in OpenAI's form: ``content`` is a text or a list of text parts."""

    model_config = ConfigDict(extra="ignore")

    role: str = Field(pattern="^(system|developer|user|assistant)$")
    content: str

    @field_validator("content", mode="before")
    @classmethod
    def _joined(cls, value: Any) -> Any:
        if isinstance(value, list):
            parts = [TextPart.model_validate(part) for part in value]
            if any(part.type != "text" for part in parts):
                raise ValueError(_("只能是文字，这里的模型看不了图片和文件"))
            return "".join(part.text for part in parts)
        return value
