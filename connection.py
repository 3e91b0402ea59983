"""The connection to Temporal: the standard `TEMPORAL_*` variables and profiles, nothing of our own."""

from __future__ import annotations

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig


async def connect(*, lazy: bool = False) -> Client:
    """Raises RuntimeError when the server cannot be reached."""
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", "127.0.0.1:7233")
    return await Client.connect(**config, data_converter=pydantic_data_converter, lazy=lazy)
