"""Writes the pages on settings: `python scripts/lib/settings_table.py docs/configuration.md .env.example`.

With `--check` nothing is written, and the exit code is 1 where a page is not as the code says. What a single setting is
for stands behind it in config/base.yaml, and what a group is for in its docstring (modules/mailquery/settings).
"""

import inspect
import json
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from mailquery.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "config" / "base.yaml"
WIDTH = 120
_LINE = re.compile(r"( *)([a-z_]+):(?: .*?)?(?:\s#\s+(.*))?")
_REMARK = re.compile(r"    ([a-z_]+): .*?  # (?!noqa|type:)(.*?)(?:  # noqa.*)?$")
_BOUNDS = {"ge": "from {}", "gt": "more than {}", "le": "to {}", "lt": "less than {}"}

PAGE_HEAD = """\
# Settings

<!-- Written by scripts/lib/settings_table.py; change modules/mailquery/settings and config/base.yaml instead. -->

Each setting has a default, and can be set in four places. What comes later wins:

1. `config/base.yaml`, for every environment of a checkout or an image.
2. `config/<environment>.yaml`, where `MAILQUERY_ENVIRONMENT` names one: `development`, `staging` and `production` are
   there, and a file of your own makes another. An environment without a file is an error.
3. `.env` in the folder that the program is started from. [.env.example](../.env.example) has every variable.
4. Variables of the environment: `MAILQUERY_` and the name in capitals, with two underscores between a group and what is
   in it. `http.port` is `MAILQUERY_HTTP__PORT`. Lists and mappings are written as JSON.

`mailquery config show` lists every setting, its value, and where that came from; secrets are masked. A name that is not
known is an error that says which one was perhaps meant, wherever it was written: nothing is passed over in silence. An
empty variable counts as not set.

**Secrets** (kind *secret* below) are refused in YAML, which ends up in version control. They come from a variable.

The folder `config` is that of the checkout; an installed program has a copy of it, and the image has it in
`/etc/mailquery`. `MAILQUERY_CONFIG_DIR` names another.

Variables that are no settings: `MAILQUERY_ENVIRONMENT`, `MAILQUERY_CONFIG_DIR`, `MAILQUERY_ACCOUNT_PASSWORD` (what
`mailquery accounts add` and `login` take instead of asking), and those that set arguments of tools beforehand, such as
`MAILQUERY_SEARCH_MESSAGES_LIMIT=50` ([the API](api.md) says which arguments; `mailquery defaults` shows them).

`policy` is read anew on SIGHUP; everything else at the start.

| environment | authentication | metrics | log | audit |
|---|---|---|---|---|
| none | off: this machine only | off | console on a terminal, else JSON | survives the process |
| `development` | off | off | console, debug | survives the process |
| `staging` | API keys | port 9464 | JSON, debug | survives a power cut |
| `production` | API keys | port 9464 | JSON, info | survives a power cut |
"""

ENV_HEAD = """\
# Copy to .env in the folder that mailquery (or `docker compose`) is started from. Variables of the environment go
# before these. docs/configuration.md says what each is; written by scripts/lib/settings_table.py.

# Chooses config/<environment>.yaml: development, staging, production.
#MAILQUERY_ENVIRONMENT=development

# Another folder than config/ of the checkout, or of the installed program.
#MAILQUERY_CONFIG_DIR=/etc/mailquery

# What `mailquery accounts add` and `login` take instead of asking. Better given to one command than written here.
#MAILQUERY_ACCOUNT_PASSWORD=

# Arguments of tools, where a call leaves them out: the tool and the argument. docs/api.md marks those that can be set.
#MAILQUERY_SEARCH_MESSAGES_LIMIT=20
"""

COMPOSE = """
# --- docker-compose.yml, which alone reads these ---

# The name under which clients reach the server over TLS (--profile tls).
#DEPLOY_DOMAIN=localhost
#DEPLOY_HTTP_PORT=80
#DEPLOY_HTTPS_PORT=443

# Ports on this machine.
#DEPLOY_PORT=8765
#DEPLOY_PROMETHEUS_PORT=9090
#DEPLOY_GRAFANA_PORT=3000

# The image's tag, and whose files the archive is made of (`id -u`).
#DEPLOY_VERSION=local
#DEPLOY_UID=10001

# The server's memory, and how long figures are kept.
#DEPLOY_MEMORY=2g
#DEPLOY_PROMETHEUS_RETENTION=30d

# The network of the server and the proxy, where it collides with another one.
#DEPLOY_SUBNET=172.30.87.0/24
#DEPLOY_ADDRESSES=172.30.87.128/25
#DEPLOY_PROXY_ADDRESS=172.30.87.2
"""


@dataclass(frozen=True, slots=True)
class Setting:
    key: str
    field: FieldInfo
    about: str

    @property
    def variable(self) -> str:
        return Settings.prefix + self.key.upper().replace(".", "__")

    @property
    def default(self) -> Any:
        if self.field.default is PydanticUndefined or self.field.default_factory is not None:
            return {} if self.field.annotation is not Path else None
        return self.field.default

    def written(self) -> str:
        """The default as it is written in a variable."""
        default = self.default
        if default is None or isinstance(default, SecretStr):
            return ""
        if isinstance(default, bool):
            return str(default).lower()
        if isinstance(default, tuple | dict):
            return json.dumps(default) if default else ""
        return str(default)

    def kind(self) -> str:
        named = _kind(self.field.annotation)
        bounds = [
            words.format(f"{value:,}")
            for each in self.field.metadata
            for name, words in _BOUNDS.items()
            if (value := getattr(each, name, None)) is not None
        ]
        return " ".join([named, *bounds])


@dataclass(frozen=True, slots=True)
class Section:
    """A group of settings, with its groups behind it."""

    key: str
    about: str
    settings: tuple[Setting, ...]


def _kind(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(arguments[0])
    if origin in (Union, UnionType):
        return _kind(next(each for each in arguments if each is not type(None)))
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in arguments)
    if origin is tuple:
        return "list"
    if origin is dict:
        return "mapping"
    kinds = {bool: "true, false", int: "whole number", float: "number", str: "text", Path: "path", SecretStr: "secret"}
    return kinds.get(annotation, getattr(annotation, "__name__", str(annotation)).lower())


def comments() -> Mapping[str, str]:
    """What stands behind each key of base.yaml, also of those that are commented out."""
    found: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in BASE.read_text("utf-8").splitlines():
        match = _LINE.fullmatch(re.sub(r"^( *)# ", r"\1", line))
        if match is None:
            continue
        indent, name, about = len(match[1]), match[2], match[3] or ""
        while above and above[-1][0] >= indent:
            above.pop()
        above.append((indent, name))
        found.setdefault(".".join(each for _, each in above), about)
    return found


def sections() -> list[Section]:
    return list(_sections(Settings, "", "", comments()))


def _sections(model: type[BaseModel], key: str, about: str, said: Mapping[str, str]) -> Iterator[Section]:
    settings, groups, in_source = [], [], _remarks(model)
    for name, field in model.model_fields.items():
        if (inner := f"{key}.{name}" if key else name) == "environment":
            continue
        group = _group(field.annotation)
        if group is None:
            settings.append(Setting(inner, field, said.get(inner) or in_source.get(name, "")))
        else:
            default = field.default if isinstance(field.default, BaseModel) else None
            groups.append((inner, group, default))
    yield Section(key, about, tuple(settings))
    for inner, group, default in groups:
        words = " ".join(inspect.cleandoc(group.__doc__ or "").split())
        for section in _sections(group, inner, words, said):
            yield section if default is None else _with_defaults(section, inner, default)


def _with_defaults(section: Section, key: str, default: BaseModel) -> Section:
    """A group's default may have other values than its class says."""
    if section.key != key:
        return section
    settings = []
    for each in section.settings:
        value = getattr(default, each.key.rpartition(".")[2])
        field = each.field
        if field.default_factory is None and value != field.default:
            field = FieldInfo.merge_field_infos(field, default=value)
        settings.append(Setting(each.key, field, each.about))
    return Section(section.key, section.about, tuple(settings))


def _group(annotation: Any) -> type[BaseModel] | None:
    """The model of a group, which may be optional. A list of models is one setting."""
    kinds = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _remarks(model: type[BaseModel]) -> Mapping[str, str]:
    """What stands behind each field in the source."""
    found = (_REMARK.match(line) for line in inspect.getsource(model).splitlines())
    return {match[1]: match[2] for match in found if match is not None}


def page() -> str:
    parts = [PAGE_HEAD]
    for section in sections():
        if not section.settings:
            continue
        level = "##" if "." not in section.key else "###"
        parts.append(f"\n{level} {section.key or 'General'}\n")
        if section.about:
            parts.append(f"\n{textwrap.fill(section.about, WIDTH, break_long_words=False, break_on_hyphens=False)}\n")
        parts.append("\n| setting | kind | default | |\n|---|---|---|---|\n")
        parts += [f"| {' | '.join(_row(each))} |\n" for each in section.settings]
    return "".join(parts)


def _row(setting: Setting) -> tuple[str, ...]:
    default = setting.written()
    return (
        f"`{setting.key}`",
        setting.kind().replace("|", "\\|"),
        f"`{default}`" if default else "",
        setting.about.replace("|", "\\|"),
    )


def example() -> str:
    parts = [ENV_HEAD]
    for section in sections():
        if not section.settings:
            continue
        parts.append(f"\n# --- {section.key or 'general'} ---\n")
        if section.about:
            parts += [f"# {line}\n" for line in textwrap.wrap(section.about, WIDTH - 4, break_on_hyphens=False)]
        parts.append("\n")
        for setting in section.settings:
            about = f"# {setting.about}\n" if setting.about else ""
            parts.append(f"{about}#{setting.variable}={setting.written()}\n")
    return "".join([*parts, COMPOSE])


PAGES: Mapping[str, Callable[[], str]] = {"configuration.md": page, ".env.example": example}


def main(arguments: list[str]) -> int:
    check = "--check" in arguments
    stale = 0
    for path in (Path(each) for each in arguments if each != "--check"):
        text = PAGES[path.name]()
        if not check:
            path.write_text(text, "utf-8")
        elif not path.is_file() or path.read_text("utf-8") != text:
            print(f"{path} is not what the settings are: python scripts/lib/settings_table.py {path}", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
