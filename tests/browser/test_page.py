"""Somebody plays a whole incident on the emulators' page, in Chromium: nothing but the page and what is on it."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.configured import example
from tests.conftest import ROOT
from tests.stories.copy import running
from tests.stories.hands import hands

CHROMIUM = shutil.which("chromium")
PATIENCE_MS = 120_000
# Kept for the documents when asked for: `PICTURES=docs/pictures pytest tests/browser`.
PICTURES = os.environ.get("PICTURES", "")

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs Chromium: apt-get install chromium")


@asynccontextmanager
async def browser() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        page = await chromium.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        broken: list[str] = []
        page.on("pageerror", lambda error: broken.append(str(error)))
        yield page
        await chromium.close()
        assert not broken, broken


async def speak_as(page: Page, slack_id: str) -> None:
    await page.select_option("#speaker", slack_id)


async def type_in(page: Page, words: str) -> None:
    await page.fill("#words", words)
    await page.press("#words", "Enter")


async def there(page: Page, text: str) -> None:
    await expect(page.get_by_text(text).last).to_be_visible(timeout=PATIENCE_MS)


async def keep(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=ROOT / PICTURES / f"{name}.png")


async def test_a_whole_incident_on_the_page(tmp_path: Path) -> None:
    async with (
        running(tmp_path, example(ending={"watched_for": '"1s"'})) as copy,
        hands(copy) as use,
        browser() as page,
    ):
        await page.goto(f"{copy.url}/")
        await page.click("#places a:has-text('general')")
        await speak_as(page, use.id("anne"))
        await type_in(page, "!ic page checkout answers with 500")
        room = page.locator("#places a:has-text('inc-')")
        await expect(room).to_be_visible(timeout=PATIENCE_MS)
        copy.incident = (await room.inner_text()).strip().partition("inc-")[2].split()[0]
        assert len(await copy.control("GET", "pagerduty/incidents")) >= 1
        await keep(page, "announced")
        await room.click()

        await speak_as(page, use.id("bob"))
        await page.locator("button:text-is('I take command')").first.click()
        await there(page, "I am the Incident Commander")
        assert (await copy.look()).commander == "bob"

        await speak_as(page, use.id("anne"))
        await page.locator("button:has-text('Propose a repair')").first.click()
        await page.select_option("select[name='entry/entry']", "throttle")
        await page.fill("input[name='percent:throttle/percent:throttle']", "900")
        await page.click("dialog button[value=send]")
        await expect(page.locator(".wrong:not(:empty)").first).to_be_visible(timeout=PATIENCE_MS)
        await keep(page, "wrong-value")
        await page.select_option("select[name='entry/entry']", "rollback")
        await page.select_option("select[name='service:rollback/service:rollback']", "shop-api")
        await page.click("dialog button[value=send]")
        approve = page.locator("button:text-is('Approve')").last
        await approve.click()
        await there(page, "Only the IC decides that")
        (repair,) = (await copy.look()).repairs.values()
        assert repair.state == "proposed"
        await keep(page, "refused")

        await speak_as(page, use.id("bob"))
        await approve.click()
        await expect(page.locator("pre:text-is('rolled back shop-api')").first).to_be_visible(timeout=PATIENCE_MS)
        await page.locator("button:text-is('It worked')").click()
        await there(page, "worked, says the IC.")
        (repair,) = (await copy.look()).repairs.values()
        assert repair.approved_by == "bob"
        await keep(page, "repaired")

        await page.locator(".message.blocks summary[aria-label=More]").first.click()
        await page.click("button:has-text('IC: resolve')")
        await page.select_option("select[name='owner/owner']", use.id("anne"))
        await page.click("dialog button[value=send]")
        await there(page, "The incident is resolved after")
        await copy.ended()
        incident = await copy.look()
        assert incident.ended_at and incident.postmortem_owner == "anne"

        await page.click("#places a:has-text('Status page and X')")
        await expect(page.locator("#words")).to_be_hidden(timeout=PATIENCE_MS)
        await page.go_back()

        await page.set_viewport_size({"width": 390, "height": 800})
        await expect(page.locator("#words")).to_be_visible(timeout=PATIENCE_MS)
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, "a phone would have to scroll sideways"
        await keep(page, "on-a-phone")
