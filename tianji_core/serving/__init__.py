"""模型服务: an OpenAI-compatible server for bases, adapters and merged models, its jobs, and its client.

Importing this package loads no torch: only the server process imports ``app``, ``loading``, ``engine`` and
the modules below them.
"""

from tianji_core.serving.choosing import start_for
from tianji_core.serving.client import ChatChunk, ChatSampling, Message, chat_stream
from tianji_core.serving.launch import ModelRef, ServerOptions, start_server
from tianji_core.serving.running import (
    RunningServer,
    change_adapter,
    running_server,
    server_jobs,
    server_url,
    servers,
    wait_ready,
)
from tianji_core.serving.starting import start_default

__all__ = [
    "ChatChunk",
    "ChatSampling",
    "Message",
    "ModelRef",
    "RunningServer",
    "ServerOptions",
    "change_adapter",
    "chat_stream",
    "running_server",
    "server_jobs",
    "server_url",
    "servers",
    "start_default",
    "start_for",
    "start_server",
    "wait_ready",
]
