"""What the engine has to be the same on: databases, channel layers, numbers of processes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Backend:
    servers: int = 1
    valkey: bool = False
    postgres: bool = False


BACKENDS = {
    "sqlite": Backend(),
    "sqlite-valkey": Backend(servers=2, valkey=True),
    "postgres-valkey": Backend(servers=2, valkey=True, postgres=True),
}
