"""What the engine has to be the same on: databases, channel layers, processes, servers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Backend:
    servers: tuple[str, ...] = ("daphne",)
    valkey: bool = False
    postgres: bool = False


BACKENDS = {
    "sqlite": Backend(),
    "sqlite-valkey": Backend(("daphne", "daphne"), valkey=True),
    "postgres-valkey": Backend(("daphne", "daphne"), valkey=True, postgres=True),
    "uvicorn": Backend(("uvicorn",)),
    "granian": Backend(("granian",)),
    "mixed": Backend(("uvicorn", "granian"), valkey=True, postgres=True),
}
