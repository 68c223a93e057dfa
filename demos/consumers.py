"""The WebSocket endpoint of the article, which prints the code."""

from streamsite.streams import Consumer, find, play, texts

from .article import NAME, PACE


class ArticleConsumer(Consumer):
    """Send each piece as a text frame, unless the client says "stop"."""

    async def connect(self):
        pieces = texts(play(await find(NAME), every=PACE))
        await self.accept()
        # A consumer handles one message at a time. A task of its own sends the pieces,
        # because otherwise "stop" would be handled only after the last piece.
        self.start_sending(self.send_pieces(pieces))

    async def send_pieces(self, pieces):
        async for text in pieces:
            await self.send(text)

    async def receive(self, text_data=None, bytes_data=None):
        self.stop_sending()
        await self.close(1000 if text_data == "stop" else 1003)  # 1003: nothing else is understood
