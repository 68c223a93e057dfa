"""A URLconf that includes the engine and has a consumer of its own."""

from django.contrib.auth.decorators import login_not_required
from django.urls import include, path

from streamsite.streams import Consumer


class Repeater(Consumer):
    """Send the name in the address, and close."""

    async def connect(self) -> None:
        await self.accept()
        await self.send(self.scope["url_route"]["kwargs"]["name"])
        await self.close()


urlpatterns = [
    path("stream/", include("streamsite.streams.urls")),
    path("repeat/<str:name>", Repeater.as_view()),
    path("open/<str:name>", login_not_required(Repeater.as_view())),
]
