"""Authentication-Results (RFC 8601)."""

from mailquery.parsing.authentication import read_authentication

GOOGLE = (
    "mx.google.com; dkim=pass header.i=@x.kr (good (really)); spf=fail (not; permitted) smtp.mailfrom=x.kr; dmarc=fail"
)


def test_the_results_of_a_trusted_server() -> None:
    found = read_authentication([GOOGLE], frozenset({"mx.google.com"}))
    assert found is not None
    assert found.trusted
    assert (found.by, dict(found.results)) == ("mx.google.com", {"dkim": "pass", "spf": "fail", "dmarc": "fail"})


def test_anybody_can_write_it_so_another_server_proves_nothing() -> None:
    found = read_authentication(["evil.example; dmarc=pass"], frozenset({"mx.google.com"}))
    assert found is not None
    assert not found.trusted


def test_the_trusted_server_is_found_behind_others_and_its_newest_counts() -> None:
    fields = ["relay.example; spf=pass", "mx.google.com; spf=fail", "mx.google.com; spf=pass"]
    found = read_authentication(fields, frozenset({"mx.google.com"}))
    assert found is not None
    assert found.results == (("spf", "fail"),)


def test_a_version_several_signatures_and_nothing() -> None:
    found = read_authentication(["mx.x 1; dkim=fail header.d=a; dkim=pass header.d=b"], frozenset())
    assert found is not None
    assert found.results == (("dkim", "pass"),)
    assert read_authentication(["mx.x; none"], frozenset()) is not None
    assert read_authentication(["", "<script>", "=?utf-8?q?x?="], frozenset()) is None
