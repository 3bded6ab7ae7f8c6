"""An IMAP server in the clear that refuses every login, in the words of a provider that cannot run here."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class ScriptedImap:
    """`refusal` is what follows the tag of the answer to a login."""

    refusal: str


@contextmanager
def running_scripted_imap(script: ScriptedImap) -> Iterator[int]:
    """Gives its port on 127.0.0.1."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready")
            while line := self.rfile.readline():
                tag, _, command = line.decode().partition(" ")
                name = command.strip().partition(" ")[0].upper()
                if name in ("LOGIN", "AUTHENTICATE"):
                    self._say(f"{tag} {script.refusal}")
                elif name == "CAPABILITY":
                    self._say("* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR")
                    self._say(f"{tag} OK done")
                elif name == "LOGOUT":
                    self._say("* BYE goodbye")
                    self._say(f"{tag} OK done")
                    return
                else:
                    self._say(f"{tag} OK done")

        def _say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that goes away is no error."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
