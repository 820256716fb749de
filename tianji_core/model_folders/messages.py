"""Messages of a conversation, as requests send them and prompts are made of."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

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

    @model_validator(mode="before")
    @classmethod
    def _without_tools(cls, value: Any) -> Any:
        """Refuses the messages of a tool call. An answer without text, which clients keep as null, is
        empty."""
        if not isinstance(value, dict):
            return value
        calls = value.get("tool_calls") or value.get("function_call")
        if calls or value.get("role") in ("tool", "function"):
            raise ValueError(_("里有工具调用（tool），这里的模型不会调用工具，请去掉这一句"))
        if value.get("role") == "assistant" and value.get("content") is None:
            return {**value, "content": ""}
        return value

    @field_validator("content", mode="before")
    @classmethod
    def _joined(cls, value: Any) -> Any:
        if value is None:
            raise ValueError(_("是空的（null），请写上文字"))
        if isinstance(value, list):
            parts = [TextPart.model_validate(part) for part in value]
            if any(part.type != "text" for part in parts):
                raise ValueError(_("只能是文字，这里的模型看不了图片和文件"))
            return "".join(part.text for part in parts)
        return value
