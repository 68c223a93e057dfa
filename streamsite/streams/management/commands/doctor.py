"""manage.py doctor: examine a deployment, and say what to change."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ... import client
from ...doctor.examination import examine
from ...doctor.findings import LEVELS, Finding, status_of
from ..arguments import add_header, seconds
from ..statuses import CTRL_C_STATUS, StatusCommand

# Longer than the longest silence of a stream.
IDLE = 20.0
# The exit status without the packages that the doctor needs. Those of `LEVELS` are lower.
MISSING_STATUS = len(LEVELS)


class Command(StatusCommand):
    help = (
        "Examines the deployment of this project: the settings, the database, the channel layer "
        "and, with the address of the site, what happens to streams on the way to a viewer. "
        "Publishes short streams of its own for this, and removes them. Needs about 30 s."
    )
    statuses = {
        "0": "all is well",
        "1": "a warning",
        "2": "a problem",
        f"{MISSING_STATUS}": 'the packages of the extra "client" are missing',
        f"{CTRL_C_STATUS}": "Ctrl-C",
    }
    # The examination has these checks among its own.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "url",
            nargs="?",
            type=address,
            metavar="URL",
            help="the address of the site, such as https://example.com (default: inside only)",
        )
        parser.add_argument(
            "--idle",
            type=seconds,
            default=IDLE,
            metavar="SECONDS",
            help="how long to watch silent connections (default: %(default)g)",
        )
        add_header(parser, "where the site demands a login")
        parser.add_argument(
            "--insecure",
            action="store_true",
            help="take a certificate that nobody trusts for a warning, and not for a problem",
        )
        parser.add_argument(
            "--json", action="store_true", help="print the findings as a JSON array at the end"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        findings = examine(
            options["url"],
            headers=dict(options["header"]),
            idle=options["idle"],
            insecure=options["insecure"],
        )
        try:
            found = asyncio.run(self.report(findings, as_json=options["json"]))
        except ImportError as error:
            raise CommandError(
                f"To examine a site from outside, the doctor needs {error.name}. "
                'Install streamsite with the extra "client".',
                returncode=MISSING_STATUS,
            ) from error
        except KeyboardInterrupt:
            sys.exit(CTRL_C_STATUS)
        if status := status_of(found):
            sys.exit(status)

    async def report(self, findings: AsyncIterator[Finding], *, as_json: bool) -> list[Finding]:
        """Print the findings as they come, or as JSON at the end, and return them."""
        found = []
        async for finding in findings:
            found.append(finding)
            if not as_json:
                self.stdout.write(str(finding))
                self.stdout.flush()
        if as_json:
            self.stdout.write(json.dumps([asdict(each) for each in found], ensure_ascii=False))
        return found


def address(text: str) -> str:
    """Return the address of a site. For `type=` of argparse."""
    try:
        client.check_address(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text[:200]!r} is not the address of a site: write https://example.com"
        ) from None
    return text
