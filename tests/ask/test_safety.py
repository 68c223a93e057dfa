"""Answers that try to run a script in the page."""

import json

import pytest
from playwright.async_api import expect

from tests.browser import page_at

from .page import Ask

pytestmark = pytest.mark.asyncio(loop_scope="session")

# What would run a script, or lead to one, if the page took any of it for HTML or for an address.
PAYLOADS = [
    "<script>window.harmed = 1</script>",
    "<img src=x onerror='window.harmed = 1'>",
    "<svg/onload=window.harmed=1>",
    "<iframe srcdoc='<script>parent.harmed = 1</script>'></iframe>",
    "<a href='javascript:window.harmed=1'>a</a>",
    "[a](javascript:window.harmed=1)",
    "[a](JaVaScRiPt:window.harmed=1)",
    "[a](java&#115;cript&colon;window.harmed=1)",
    "[a](javascript&#58;window.harmed=1)",
    "[a](<javascript:window.harmed=1>)",
    "[a](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[a](vbscript:window.harmed=1)",
    "<javascript:window.harmed=1>",
    "![a](javascript:window.harmed=1)",
    '![a](https://example.com/"onerror="window.harmed=1)',
    '[a](https://example.com/"onclick="window.harmed=1)',
    "[a](https://example.com 'x\" onmouseover=\"window.harmed=1')",
    '```"><script>window.harmed = 1</script>\n</code></pre><script>window.harmed = 1</script>\n```',
    "`<script>window.harmed = 1</script>`",
    "| <script>window.harmed=1</script> | b |\n|---|---|\n| <img src=x onerror=harmed=1> | c |",
    "<style>body { display: none }</style>",
    "<link rel=stylesheet href=//example.com/x.css>",
    "<base href=//example.com/>",
    "<meta http-equiv=refresh content='0;url=//example.com'>",
    "&lt;script&gt;window.harmed = 1&lt;/script&gt;",
    "<template><script>window.harmed = 1</script></template>",
    "<form action=javascript:window.harmed=1><button>x</button></form>",
    "<math><mtext><table><mglyph><style><img src onerror=window.harmed=1>",
    "[constructor](__proto__) [__proto__](https://example.com/__proto__)",
]


async def test_no_text_of_an_answer_runs_a_script(browser, english):
    async with page_at(browser, english) as page:
        ask = Ask(page)
        for joiner in ("\n\n", "\n"):
            await ask.ask(f"say {joiner.join(PAYLOADS)}")
        parts = [
            {
                "type": "tool-input-available",
                "toolCallId": "c",
                "toolName": PAYLOADS[0],
                "input": PAYLOADS,
            },
            {"type": "reasoning-start", "id": "r"},
            {"type": "reasoning-delta", "id": "r", "delta": "\n".join(PAYLOADS)},
            {"type": "source-url", "sourceId": "s", "url": "javascript:window.harmed=1"},
            {"type": "error", "errorText": PAYLOADS[1]},
        ]
        await ask.ask(f"parts {json.dumps(parts)}")
        for _ in range(2):
            links = ask.answers.locator("a")
            for number in range(await links.count()):
                href = await links.nth(number).get_attribute("href")
                assert href.startswith(("https://", "mailto:")), href
            harmful = "script, img, svg, iframe, style, link, base, meta, form, template, math"
            assert await ask.answers.locator(harmful).count() == 0
            assert (
                await page.evaluate(
                    """() => [...document.querySelectorAll(".messages *")].flatMap(
                    (each) => [...each.attributes].map(({ name }) => name)
                ).filter((name) => name.startsWith("on") || name === "style")"""
                )
                == []
            )
            assert await page.evaluate("window.harmed") is None
            await page.reload()
            await expect(ask.answers).to_have_count(3)
