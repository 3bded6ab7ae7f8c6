"""How far an answer over HTTP has come."""

from starlette.types import Message, Send


class Sent:
    """Sends an answer by `send`, and knows whether it has `begun` and whether it has `ended`."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False
        self.ended = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
        elif message["type"] == "http.response.body":
            self.ended = not message.get("more_body", False)
        await self._send(message)

    async def end(self) -> None:
        """Ends what has begun, so that the client has it for whole."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
