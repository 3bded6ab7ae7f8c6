"""A DNS server on loopback that says what a test wants said."""

import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class DnsServer:
    """`records` are texts of resource records by name and type: `{("_imaps._tcp.example.com", "SRV"): ["0 1 993 a."]}`.
    Names that have none do not exist. Questions about what ends with one of `silent` get no answer."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], Sequence[str]] = {}
        self.silent: set[str] = set()
        self.refuses = False
        self.asked: list[tuple[str, str]] = []
        self.address = ""  # with its port, as `mailquery.sources.discovery.lookups` takes it

    def answer(self, question: bytes) -> bytes | None:
        query = dns.message.from_wire(question)
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        self.asked.append((name, kind))
        if any(name == end or name.endswith(f".{end}") for end in self.silent):
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        found = self.records.get((name, kind), ())
        if self.refuses:
            response.set_rcode(dns.rcode.REFUSED)
        elif found:
            response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", kind, *found))
        elif all(known != name for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()


@contextmanager
def running_dns() -> Iterator[DnsServer]:
    server = DnsServer()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, socket = self.request
            answer = server.answer(data)
            if answer is not None:
                socket.sendto(answer, self.client_address)

    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler) as listening:
        server.address = f"127.0.0.1#{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()
