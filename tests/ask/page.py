"""The page in Chromium: what it shows, and what a reader does there."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Locator, Page, expect

LANGUAGES = {"zh": "", "en": "/en"}
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
MARKDOWN = """## Title

Some **bold** text, `code` and [a link](https://example.com/).

1. one
2. two

| a | b |
|---|--:|
| 1 | 2 |

```python
print("<b>")
```
"""


class Ask:
    """The page in one tab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.element = page.locator("chat-page")
        self.field = page.locator("textarea")
        self.answers = page.locator("article.answer")
        self.questions = page.locator("article.question")
        self.conversations = page.locator(".conversations li")

    @property
    def key(self) -> str:
        """The id of the conversation that is shown."""
        return parse_qs(urlsplit(self.page.url).query)["c"][0]

    @property
    def answer(self) -> Locator:
        return self.answers.last

    def button(self, action: str) -> Locator:
        return self.page.locator(f'button[data-action="{action}"]')

    async def stop_timers(self) -> None:
        """Stop the timers of the page, which would take back what it shows for a moment."""
        await self.page.clock.install()
        await self.page.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))

    async def send(self, text: str) -> None:
        await self.field.fill(text)
        await self.field.press("Enter")

    async def ask(self, text: str) -> None:
        """Ask, and wait for the end of the answer."""
        number = await self.answers.count()
        await self.send(text)
        await expect(self.answers).to_have_count(number + 1)
        await self.is_in("idle")

    async def is_in(self, state: str) -> None:
        await expect(self.element).to_have_attribute("state", state)

    async def shows(self, text: str) -> None:
        await expect(self.answer.locator(".body")).to_have_text(text)


async def take(page: Page, transport: str) -> None:
    await page.locator(f'input[value="{transport}"]').check()


async def come_back(page: Page) -> None:
    """Do what the page does when its tab is shown again: it looks at the server."""
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
