from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sandbox import Clock

START = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def test_clock_starts_where_it_is_told_and_runs_with_real_time() -> None:
    clock = Clock(START)
    first = clock.now()
    second = clock.now()
    assert first >= START
    assert second > first
    assert second - START < timedelta(seconds=5)


def test_clock_is_utc_whatever_zone_it_was_set_in() -> None:
    clock = Clock()
    clock.freeze()
    clock.set(datetime(2026, 7, 1, 12, 0, tzinfo=ZoneInfo("Asia/Tokyo")))
    assert clock.now() == datetime(2026, 7, 1, 3, 0, tzinfo=UTC)
    assert clock.now().tzinfo is UTC


def test_frozen_clock_stands_still_until_it_is_moved() -> None:
    clock = Clock(START)
    clock.freeze()
    stood = clock.now()
    assert clock.now() == stood
    clock.advance(timedelta(minutes=1), hours=2)
    assert clock.now() == stood + timedelta(hours=2, minutes=1)
    clock.set(START)
    assert clock.now() == START


def test_clock_runs_again_from_where_it_stood() -> None:
    clock = Clock(START)
    clock.freeze()
    clock.set(START)
    clock.run()
    assert START <= clock.now() < START + timedelta(seconds=5)


def test_waiting_for_a_moment_ends_when_the_clock_is_moved_there() -> None:
    clock = Clock(START)
    clock.freeze()

    async def wait() -> list[str]:
        said: list[str] = []

        async def waiting() -> None:
            await clock.reaches(START + timedelta(days=1))
            said.append("reached")

        task = asyncio.create_task(waiting())
        await asyncio.sleep(0)
        clock.advance(hours=23)
        await asyncio.sleep(0.01)
        said.append("not yet")
        clock.advance(hours=2)
        await task
        return said

    assert asyncio.run(wait()) == ["not yet", "reached"]


def test_waiting_for_a_moment_ends_when_real_time_brings_it() -> None:
    clock = Clock(START)
    asyncio.run(clock.reaches(START + timedelta(milliseconds=30)))
    assert clock.now() >= START + timedelta(milliseconds=30)
