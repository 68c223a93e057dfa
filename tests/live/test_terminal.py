"""`<stream-output ansi>` in a browser shows a build log as a terminal does, whatever the bytes."""

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.browser import page_at
from tests.engine.people import Person
from tests.raw import http
from tests.site import Site

from .publishing import new_name, put

CSI = "\x1b["
NEUTRAL = (0, 7, 8, 15)

# The contrast of the text of each span, as WCAG 2.2 defines it (1.4.3). The canvas converts every
# colour of CSS to sRGB.
CONTRASTS = """
    region => {
        const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
        const luminance = (colour) => {
            canvas.clearRect(0, 0, 1, 1);
            canvas.fillStyle = colour;
            canvas.fillRect(0, 0, 1, 1);
            const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((part) =>
                part <= 10 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const page = getComputedStyle(region.parentElement).backgroundColor;
        return [...region.querySelectorAll("span")].map((span) => {
            const { color, backgroundColor } = getComputedStyle(span);
            const seen = backgroundColor === "rgba(0, 0, 0, 0)" ? page : backgroundColor;
            const [low, high] = [luminance(color), luminance(seen)].sort((a, b) => a - b);
            return [span.textContent, (high + 0.05) / (low + 0.05)];
        });
    }
"""
# What the page shows: the styled parts as [classes, text], the rest as text.
LOOKS = """
    region => [...region.querySelectorAll("*")]
        .filter((element) => element.localName !== "div")
        .map((element) => [element.localName, element.className, element.textContent])
"""


@pytest.fixture(scope="module")
def owner(people: dict[str, Person]) -> Person:
    return people["owner"]


def publish(site: Site, owner: Person, *pieces: str) -> str:
    """Publish a finished stream, and return its name."""
    name = new_name()
    put(site.server, owner, name, pieces=pieces, end="done")
    return name


async def text_of(page: Page) -> str:
    return await page.locator(".stream-output-text").evaluate("e => e.textContent")


async def ended(page: Page) -> None:
    output = page.locator("stream-output")
    await expect(output).to_have_attribute("state", "done")


@pytest.mark.asyncio(loop_scope="session")
async def test_a_live_log_shows_colours_and_overwrites_its_progress(browser, site, publisher):
    name = new_name()
    source = publisher.open(name)
    source.write(f"{CSI}1;32m  Compiling{CSI}0m shop\n 1")
    async with page_at(browser, f"{site.url}/en/live/{name}/") as page:
        text = page.locator(".stream-output-text")
        await expect(text).to_have_text("Compiling shop 1", use_inner_text=True)
        for part in ("0 %\r 2", f"0 %\r{CSI}", "2", "Kdone\nlayers", f"{CSI}1FDone{CSI}B"):
            source.write(part)
        await expect(text).to_have_text("Compiling shop Done layers", use_inner_text=True)
        source.end()
        await ended(page)
        assert await text_of(page) == "  Compiling shop\nDone\nlayers"
        looks = await text.evaluate(LOOKS)
        assert looks == [["span", "ansi-bold ansi-fg-2", "  Compiling"]]


@pytest.mark.asyncio(loop_scope="session")
async def test_copied_text_is_plain_and_a_download_is_raw(browser, site, owner):
    raw = f"one {CSI}31mred{CSI}m\n\ttwo\r\n{CSI}38;2;1;2;3mthree{CSI}m 你好"
    name = publish(site, owner, raw)
    async with page_at(browser, f"{site.url}/en/live/{name}/") as page:
        await ended(page)
        copied = await page.evaluate(
            """() => {
                getSelection().selectAllChildren(document.querySelector(".stream-output-text"));
                return getSelection().toString();
            }"""
        )
        assert copied == "one red\n\ttwo\nthree 你好"
    assert http.get(site.address, f"/stream/{name}/chunked").text == raw


@pytest.mark.asyncio(loop_scope="session")
async def test_an_element_waits_for_its_stream_if_told_to(browser, site, publisher, owner):
    name, there = new_name(), publish(site, owner, "text")
    async with page_at(browser, f"{site.url}/en/live/{there}/", calm=False) as page:
        await ended(page)
        output = page.locator("stream-output")
        await output.evaluate("(e, src) => { e.src = src; }", f"/stream/{name}")
        await expect(output).to_have_attribute("state", "refused")
        async with page.expect_response(lambda answer: answer.status == 404):
            await output.evaluate(
                "e => { e.setAttribute('wait', ''); e.transport = 'sse'; e.start(); }"
            )
        await expect(output).to_have_attribute("state", "connecting")
        source = publisher.open(name, visibility="public")
        source.write(f"{CSI}31mred")
        await expect(page.locator(".ansi-fg-1")).to_have_text("red")
        await expect(output).to_have_attribute("state", "live")
        source.end()
        await ended(page)


HOSTILE = [
    "<img src=x onerror=alert(1)><script>alert(1)</script>\n",
    f"{CSI}31m<b>bold</b>{CSI}m &amp; \n",
    "\x1b]8;;javascript:alert(1)\x07click\x1b]8;;\x07\n",
    f"{CSI}38;2;0;0;0;url(https://evil.example/)m{CSI}48;5;1;expression(1)mstyle{CSI}m\n",
    f"{CSI}38;2;999999999999;-1;NaNm{CSI}38;5;1e3mcolours{CSI}m\n",
    "\x1b]0;" + "x" * 60_000 + "\n",
    "\x1bP" + "q" * 1000 + "\n",
    f"{CSI}{'9' * 10_000}A{CSI}{'9' * 10_000}C{CSI}9999;9999H\n",
    f"{CSI}1;1H" * 100 + f"{CSI}J" + f"{CSI}A{CSI}2K\n" * 1000,
    "\x9b31m\x9d0;x\x9c\x85\x00\x07\x7f" + "\u202e" + "\u0301" * 1000 + "\n",
    "\r".join("progress" * 70 for _ in range(100)) + "\n",
    f"{CSI}999Cx{CSI}999Dy\t" * 100 + "\n",
    "x" * 50_000 + "\rY\n",
    "end",
]


@pytest.mark.asyncio(loop_scope="session")
async def test_hostile_text_is_only_text(browser, site, owner):
    # The bytes that the command would replace never reach the log.
    name = publish(site, owner, *[piece.replace("\x00", "\u2400") for piece in HOSTILE])
    async with page_at(browser, f"{site.url}/en/live/{name}/") as page:
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        await ended(page)
        assert (await text_of(page)).endswith("end")
        looks = await page.locator(".stream-output-text").evaluate(LOOKS)
        assert {element for element, _, _ in looks} == {"span"}
        assert all(name.startswith("ansi-") for _, names, _ in looks for name in names.split())
        assert not [url for url in requests if "evil" in url]
        # `page_at` checks that the content security policy had nothing to report.


@pytest.mark.asyncio(loop_scope="session")
async def test_a_replay_begins_with_a_clear_terminal(browser, site, owner):
    name = publish(site, owner, f"{CSI}31m", "red\n", f"{CSI}2A{CSI}2Jnew {CSI}4", "2mgreen")
    async with page_at(browser, f"{site.url}/en/live/{name}/") as page:
        text = page.locator(".stream-output-text")
        for _ in range(2):
            await ended(page)
            assert await text_of(page) == "red\nnew green"
            assert (await text.evaluate(LOOKS))[0] == ["span", "ansi-fg-1", "red"]
            await page.locator('[data-action="whole"]').click()
        # Another stream in the same element has no red, and no sequence that goes on.
        other = publish(site, owner, "m plain\n")
        await page.locator("stream-output").evaluate(
            "(e, src) => { e.src = src; }", f"/stream/{other}"
        )
        await expect(text).to_have_text("m plain", use_inner_text=True)
        await ended(page)
        assert await text.evaluate(LOOKS) == []
        await expect(text).not_to_have_class("stream-output-text stream-output-terminal")


@pytest.mark.asyncio(loop_scope="session")
async def test_pieces_that_are_taken_back_leave_the_terminal_as_it_was(browser, site, owner):
    name = publish(site, owner, "text")
    async with page_at(browser, f"{site.url}/en/live/{name}/") as page:
        module = await page.evaluate(
            "document.querySelector('script[src*=\"stream-output\"]').src.replace("
            "/stream-output[^/]*$/, '')"
        )
        shown = await page.evaluate(
            """async ([folder, pieces]) => {
                const { TerminalText } = await import(`${folder}terminal-text.js`);
                const { Transcript } = await import(`${folder}transcript.js`);
                const region = document.createElement("div");
                const transcript = new Transcript(region, () => {});
                transcript.clear(0, TerminalText);
                for (const piece of pieces) transcript.append(piece);
                transcript.truncate(2);
                transcript.append("three");
                transcript.write();
                return [region.textContent, region.querySelector("span").className];
            }""",
            [module, ["one\n", f"{CSI}32mtwo\n", f"{CSI}31m{CSI}2A{CSI}Jlost"]],
        )
        assert shown == ["one\ntwo\nthree", "ansi-fg-2"]


@pytest.mark.asyncio(loop_scope="session")
async def test_a_long_log_is_complete_and_few_nodes_show_it(browser, site, owner):
    lines = [f"{number} {CSI}3{number % 7 + 1}mok{CSI}m and more text\n" for number in range(5000)]
    plain = [f"{number} plain text without a colour\n" for number in range(5000)]
    name = publish(site, owner, *lines, *plain)
    async with page_at(browser, f"{site.url}/en/live/{name}/") as page:
        await ended(page)
        expected = [f"{number} ok and more text\n" for number in range(5000)] + plain
        assert await text_of(page) == "".join(expected)
        text = page.locator(".stream-output-text")
        spans = await text.evaluate("e => e.querySelectorAll('span').length")
        assert spans == 5000
        blocks = await text.evaluate("e => e.childElementCount")
        nodes = await text.evaluate(
            "e => { const walker = document.createTreeWalker(e.lastChild, NodeFilter.SHOW_TEXT);"
            " let n = 0; while (walker.nextNode()) n += 1; return n; }"
        )
        assert 10 < blocks < 400
        assert nodes <= 201


def colours() -> str:
    """Return a text with every colour and every usual pair of colours, each with its name."""
    parts = []
    for number in range(16):
        fg, bg = (30 + number, 40 + number) if number < 8 else (82 + number, 92 + number)
        parts += [f"{CSI}{fg}mfg {number}{CSI}m", f"{CSI}{bg}mbg {number}{CSI}m"]
        parts += [f"{CSI}{fg};7minverse {number}{CSI}m", f"{CSI}2;{fg}mdim {number}{CSI}m"]
        parts += [f"{CSI}{bg};{code}m{code} on {number}{CSI}m" for code in (30, 37, 90, 97)]
    parts += [f"{CSI}2mdim{CSI}m", f"{CSI}7minverse{CSI}m"]
    parts += [f"{CSI}38;5;{number}m256 {number}{CSI}m" for number in range(16, 256)]
    parts += [f"{CSI}48;5;{number}mbg 256 {number}{CSI}m" for number in range(16, 256)]
    return "\n".join(parts)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_colour_can_be_read(browser, site, owner, scheme):
    name = publish(site, owner, colours())
    async with page_at(browser, f"{site.url}/en/live/{name}/", color_scheme=scheme) as page:
        await ended(page)
        contrasts = await page.locator(".stream-output-text").evaluate(CONTRASTS)
        assert len(contrasts) == 16 * 8 + 2 + 240 * 2
        assert [(what, round(ratio, 2)) for what, ratio in contrasts if ratio < 4.5] == []
        found = await Axe().run(page)
        assert [violation["id"] for violation in found.response["violations"]] == []
        # The colours of a site that adds nothing to stream-output.css.
        await page.evaluate("document.querySelector('.player').classList.remove('player')")
        contrasts = await page.locator(".stream-output-text").evaluate(CONTRASTS)
        assert [(what, round(ratio, 2)) for what, ratio in contrasts if ratio < 4.5] == []
