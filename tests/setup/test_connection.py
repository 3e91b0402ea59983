"""What travels to Temporal: readable as long as it is small, compressed when the server would refuse it."""

from __future__ import annotations

from temporalio.api.common.v1 import Payload

from connection import LARGE, data_converter


async def test_what_is_large_travels_compressed_and_comes_back_the_same() -> None:
    text = "the pool is exhausted. " * (LARGE // 10)
    (payload,) = await data_converter.encode([text])
    assert len(payload.data) < LARGE / 10
    assert await data_converter.decode([payload], [str]) == [text]


async def test_what_is_small_stays_as_the_web_ui_shows_it() -> None:
    (payload,) = await data_converter.encode(["the pool is exhausted"])
    assert payload == Payload(metadata={"encoding": b"json/plain"}, data=b'"the pool is exhausted"')
