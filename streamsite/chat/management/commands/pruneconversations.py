"""manage.py pruneconversations: delete the conversations whose time is over."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ...keeping import end_dead_answers, expired, prune


class Command(BaseCommand):
    help = (
        "Deletes the conversations whose last question is older than CHAT_KEEP, with their "
        "messages and the streams of their answers. Prints the ids of the conversations: one id to "
        "a line on standard output, and their number on standard error."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="print the ids of the conversations that would be deleted, and delete none",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        end_dead_answers()
        count = 0
        if options["dry_run"]:
            for key in expired().values_list("key", flat=True).iterator():
                self.stdout.write(key)
                count += 1
        else:
            while removed := prune():
                self.stdout.writelines(f"{key}\n" for key in removed)
                count += len(removed)
        what = "Conversations to delete" if options["dry_run"] else "Conversations deleted"
        self.stderr.write(f"pruneconversations: {what}: {count}.", style_func=str)
