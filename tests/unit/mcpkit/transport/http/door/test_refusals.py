"""Refusals at the door in the audit, where somebody knocks without end."""

from starlette.types import Scope

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.audit import AuditRecord
from mcpkit.security.limits.rate_limits import Limits
from mcpkit.transport.http.door.refusals import RecordRefusals
from support.calling import Kept

FEW = Limits(requests_per_minute=1, burst=2)
MANY = Limits(requests_per_minute=1, burst=1000)
FAULT = Fault(ErrorCode.UNAUTHORIZED, "Authentication is needed. Send a key.")


def coming_from(address: str) -> Scope:
    return {"type": "http", "client": (address, 1234)}


async def test_one_address_does_not_fill_the_audit_and_does_not_hide_another() -> None:
    audit = Kept()
    record = RecordRefusals(audit, of_one=FEW, of_all=MANY)
    for _ in range(50):
        await record(coming_from("203.0.113.7"), FAULT, "no key", None)
    await record(coming_from("203.0.113.8"), FAULT, "no key", None)
    assert [(each.address, each.reason) for each in audit.records] == [
        ("203.0.113.7", "no key"),
        ("203.0.113.7", "no key"),
        ("203.0.113.8", "no key; refusals before this that were only counted: 48"),
    ]


async def test_many_addresses_do_not_fill_it_either() -> None:
    audit = Kept()
    record = RecordRefusals(audit, of_one=FEW, of_all=FEW)
    for number in range(50):
        await record(coming_from(f"203.0.113.{number}"), FAULT, "no key", None)
    assert len(audit.records) == 2


async def test_what_could_not_be_recorded_is_counted_by_the_next() -> None:
    class FullOnce(Kept):
        failed = False

        async def record(self, record: AuditRecord) -> None:
            if not self.failed:
                self.failed = True
                raise Fault(ErrorCode.STORAGE_FULL, "The disk is full.")
            await super().record(record)

    audit = FullOnce()
    record = RecordRefusals(audit)
    await record(coming_from("203.0.113.7"), FAULT, "no key", None)
    await record(coming_from("203.0.113.7"), FAULT, "no key", None)
    assert [each.reason for each in audit.records] == ["no key; refusals before this that were only counted: 1"]
