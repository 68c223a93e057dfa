"""Code that mypy refuses. A comment on a line names the error that mypy finds there."""

from streamsite.streams import areserve, publish, reserve, start
from tests.types.accepted import answer, model


async def ask() -> None:
    await start(None, model("why"), titel="Why")  # call-arg
    await start(None, model("why"), title=17)  # arg-type
    await start(None, model("why"), owner="ada")  # arg-type
    await start(None, model("why"), visibility=True)  # arg-type
    await start(None, model("why"), abandon="60")  # arg-type
    await start(None, [b"why"])  # arg-type
    await answer("why", takeover="yes")  # arg-type
    await areserve("later", abandon=60)  # call-arg


def run() -> None:
    publish("build", within=60)  # call-arg
    publish(17)  # arg-type
    reserve("later", within="60")  # arg-type
