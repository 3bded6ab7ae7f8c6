"""Which test runs in which process, where tests run in several."""

from xdist.scheduler import LoadScopeScheduling

# Their files share servers, archives and whole environments among their tests.
_BY_FILE = ("tests/chaos/", "tests/end_to_end/")


class ByFileWhereItShares(LoadScopeScheduling):
    """The tests of a file stay together where they share what is dear to make, and the longest files come first; every
    other test goes to whichever process is free."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0] if nodeid.startswith(_BY_FILE) else nodeid
