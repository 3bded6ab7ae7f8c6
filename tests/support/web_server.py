"""A web server with TLS on loopback that stands for whole hosts, and a proxy that leads all of them to it."""

import select
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from support.certificates import Certificate

_POLL = 0.02  # seconds


@dataclass
class Page:
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0  # seconds


@dataclass
class Web:
    """`pages` by URL without its query. `asked` are the URLs with it. `proxy` is the URL of a proxy (CONNECT, RFC 9110)
    through which https://ANY.HOST leads here; of a host in `unreachable`, it says that there is none."""

    proxy: str
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    unreachable: set[str] = field(default_factory=set)


@contextmanager
def running_web(certificate: Certificate) -> Iterator[Web]:
    web = Web("")

    class Pages(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = f"https://{self.headers['Host']}{self.path}"
            web.asked.append(url)
            page = web.pages.get(url.partition("?")[0], Page(status=404))
            time.sleep(page.delay)
            self.send_response(page.status)
            for name, value in page.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(page.body)))
            self.end_headers()
            self.wfile.write(page.body)

        def log_message(self, *_: object) -> None: ...

    class Proxy(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            request = self.rfile.readline().split()
            while self.rfile.readline().strip():
                pass
            host = request[1].decode().rpartition(":")[0]
            if request[0] != b"CONNECT" or host in web.unreachable:
                self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", pages.server_port)) as onward:
                self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                _relay(self.connection, onward)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    pages = _Quiet(("127.0.0.1", 0), Pages)
    pages.socket = context.wrap_socket(pages.socket, server_side=True, do_handshake_on_connect=False)
    proxy = _QuietProxy(("127.0.0.1", 0), Proxy)
    web.proxy = f"http://127.0.0.1:{proxy.server_address[1]}"
    threads = [
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": _POLL}) for server in (pages, proxy)
    ]
    for thread in threads:
        thread.start()
    try:
        yield web
    finally:
        for server in (proxy, pages):
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()


class _Quiet(ThreadingHTTPServer):
    """A client that goes away in the middle is no error."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None: ...


class _QuietProxy(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None: ...


def _relay(one: socket.socket, other: socket.socket) -> None:
    """Until either ends."""
    other_of = {one: other, other: one}
    while True:
        for ready in select.select(list(other_of), [], [], 30)[0]:
            data = ready.recv(65_536)
            if not data:
                return
            other_of[ready].sendall(data)
