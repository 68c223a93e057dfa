"""The combinations of database, channel layer and servers on which the engine must behave alike."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Backend:
    """One combination: a process for each name in `servers`."""

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
