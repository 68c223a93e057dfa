"""What the engine has to be the same on: databases, channel layers, processes, servers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Backend:
    on: str = "daphne"
    servers: int = 1
    valkey: bool = False
    postgres: bool = False


BACKENDS = {
    "sqlite": Backend(),
    "sqlite-valkey": Backend(servers=2, valkey=True),
    "postgres-valkey": Backend(servers=2, valkey=True, postgres=True),
    "uvicorn": Backend(on="uvicorn"),
    "granian": Backend(on="granian"),
}
