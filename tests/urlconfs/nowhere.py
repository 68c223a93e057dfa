"""A URLconf without the engine."""

from typing import Any

urlpatterns: list[Any] = []
