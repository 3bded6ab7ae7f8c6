"""A real authorization server for tests: oidc-provider, a certified one, as a process on the loopback interface.

It comes from the npm registry into `.tools/authorization-server`, once, with the Node that it needs.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import pytest
from filelock import FileLock

PACKAGES = ("node@22.23.3", "oidc-provider@9.13.3")
SCRIPT = Path(__file__).with_suffix(".mjs")
FOLDER = SCRIPT.parents[2] / ".tools" / "authorization-server"
REDIRECT = "http://127.0.0.1:9/callback"
# Of a mail program: a public client; one whose first token ends after 2 seconds; and one with a secret.
MAIL, MAIL_BRIEF, MAIL_SECRET = "mail", "mail-brief", ("mail-secret", "mail: secret+%")
LOOPBACK = "http://127.0.0.1/callback"
IMAP_SERVER = ("imap-server", "imap-secret")
INTROSPECTOR = ("resource-server", "resource server: secret+%")  # what must be encoded to arrive
_INSTALLS_WITHIN = 90.0  # seconds
_UNREACHED = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH")


@dataclass(frozen=True)
class AuthorizationServer:
    issuer: str
    process: "subprocess.Popen[str]"

    async def machine_token(self, resource: str, *scopes: str, client: str = "machine") -> str:
        """By client credentials (RFC 6749, section 4.4), for `resource` (RFC 8707)."""
        form = {"grant_type": "client_credentials", "scope": " ".join(scopes), "resource": resource}
        async with httpx2.AsyncClient() as http:
            answer = await http.post(f"{self.issuer}/token", data=form, auth=(client, "machine-secret"))
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    async def revoke(self, token: str, client: str) -> None:
        async with httpx2.AsyncClient() as http:
            form = {"token": token, "client_id": client}
            answer = await http.post(f"{self.issuer}/token/revocation", data=form)
        assert answer.status_code == 200, answer.text

    async def introspect(self, token: str) -> dict[str, object]:
        """What an IMAP server is told about it (RFC 7662)."""
        async with httpx2.AsyncClient() as http:
            answer = await http.post(f"{self.issuer}/token/introspection", data={"token": token}, auth=IMAP_SERVER)
        said: dict[str, object] = answer.json()
        return said

    def rotate(self) -> None:
        """From now on it signs with new keys, and no longer publishes the old ones."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("rotate\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline().strip() == "rotated"


@contextmanager
def running() -> Iterator[AuthorizationServer]:
    """Skips where it can be neither found nor installed."""
    _install()
    node = FOLDER / "node_modules" / "node" / "bin" / "node"
    command = [str(node), str(SCRIPT), str(FOLDER)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield AuthorizationServer(process.stdout.readline().strip(), process)
        finally:
            process.terminate()


async def sign_in(url: str, user: str, back: str = REDIRECT) -> str:
    """What a person does in the browser that is sent to `url`: they sign in, consent, and are sent back. Gives the URL
    that they are sent back to, which begins with `back`."""
    target = await _browse(url, {"login": user, "password": "any"}, back)
    assert target is not None, "the authorization server never sent the browser back"
    return target


async def refuse(url: str, back: str) -> str:
    """As `sign_in`, of a person who follows the link to cancel."""
    async with httpx2.AsyncClient(follow_redirects=True) as browser:
        found = re.search(r'href="([^"]+/abort)"', (await browser.get(url)).text)
        assert found is not None
        answer = await browser.get(found[1], follow_redirects=False)
        while not answer.headers["location"].startswith(back):
            answer = await browser.get(answer.headers["location"], follow_redirects=False)
    target: str = answer.headers["location"]
    return target


async def enter_code(url: str, code: str, user: str, **pressed: str) -> None:
    """What a person does who is shown a code on a device: they open `url` elsewhere, enter it, sign in and agree.
    `abort="yes"` is the button by which they do not."""
    await _browse(url, {"user_code": code, "login": user, "password": "any", **pressed}, "")


async def _browse(url: str, filled: dict[str, str], back: str) -> str | None:
    """Fills in forms until there is none, or the browser is sent to `back`."""
    async with httpx2.AsyncClient() as browser:
        answer = await browser.get(url)
        for _ in range(20):
            if answer.is_redirect:
                target = urljoin(str(answer.url), answer.headers["location"])
                if back and target.startswith(back):
                    return target
                answer = await browser.get(target)
                continue
            assert answer.status_code in (200, 400), answer.text
            found = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
            if found is None:
                return None
            fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', answer.text))
            fields |= {name: value for name, value in filled.items() if f'name="{name}"' in answer.text}
            answer = await browser.post(urljoin(str(answer.url), unescape(found[1])), data=fields)
            if "abort" in fields:
                return None
    raise AssertionError("there is no end of forms")


def _install() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with FileLock(FOLDER / ".lock"):
        installed = (
            FOLDER / f"installed-{'-'.join(PACKAGES).replace('@', '-')}"
        )  # an install that was stopped leaves none
        if installed.exists():
            return
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("npm is not installed, which the authorization server comes by")
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(FOLDER), *PACKAGES]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALLS_WITHIN, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip("the authorization server cannot be installed: the npm registry does not answer")
        if any(sign in done.stderr for sign in _UNREACHED):
            pytest.skip("the authorization server cannot be installed: the npm registry is not to be reached")
        assert done.returncode == 0, done.stderr
        installed.touch()
