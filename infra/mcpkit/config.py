"""Layered settings: base.yaml < <environment>.yaml < .env < environment variables.

An unknown key is an error that names the nearest known one, wherever it was written. Secrets (`SecretStr`) are
refused in YAML, which ends up in version control.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar, get_args

import yaml
from dotenv import dotenv_values
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError
from pydantic_settings.sources import EnvSettingsSource

from mcpkit.errors import ErrorCode, Fault

DEFAULT_LAYER = "default"
MASK = "********"
_NESTED = "__"


class LayeredSettings(BaseSettings):
    """A subclass names its prefix of environment variables (`MAILQUERY_`) and declares its fields; nested groups are
    plain pydantic models. `environment` chooses the second file, so only a variable can set it."""

    prefix: ClassVar[str]

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_nested_delimiter=_NESTED)

    environment: str | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is given: `load_settings` has read the layers, and knows which value came from where."""
        return (init_settings,)


SettingsT = TypeVar("SettingsT", bound=LayeredSettings)


@dataclass(frozen=True, slots=True)
class Effective:
    """One setting as it is in force: `key` is dotted, `layer` says where it was set, and a secret's value is masked."""

    key: str
    value: object
    layer: str


@dataclass(frozen=True, slots=True)
class Loaded(Generic[SettingsT]):
    settings: SettingsT
    layers: Mapping[str, str]  # of each dotted key that was set anywhere

    def effective(self) -> list[Effective]:
        return [
            Effective(key, MASK if isinstance(value, SecretStr) else value, self._layer(key))
            for key, value in _leaves(self.settings)
        ]

    def _layer(self, key: str) -> str:
        """A group given as a whole (a mapping, a list) gives its layer to all in it."""
        while key:
            if key in self.layers:
                return self.layers[key]
            key = key.rpartition(".")[0]
        return DEFAULT_LAYER


@dataclass(frozen=True, slots=True)
class _Layer:
    """`place` says to people where a dotted key of this layer was written."""

    values: Mapping[str, Any]
    place: Callable[[str], str]


def load_settings(
    model: type[SettingsT],
    folder: Path,
    *,
    dotenv: Path | None = Path(".env"),
    environ: Mapping[str, str] = os.environ,
    apart: Callable[[str], bool] = lambda name: False,
) -> Loaded[SettingsT]:
    """Read all layers. Files that do not exist are left out, except that of an environment that was asked for. `apart`
    says of a variable, in capitals, that it has the prefix and is no setting.

    Raises:
        Fault: CONFIGURATION, with a readable line for each problem, which its details hold as `problems`.
    """
    written = dotenv_variables(dotenv) if dotenv is not None else {}
    given = _upper(environ)
    environment = given.get(f"{model.prefix}ENVIRONMENT") or written.get(f"{model.prefix}ENVIRONMENT") or None
    problems: list[str] = []
    layers = [
        *_yaml_layers(model, folder, environment, problems),
        _variables(model, written, apart, " in .env", problems),
        _variables(model, given, apart, "", problems),
    ]
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for layer in layers:
        _merge(merged, layer.values, "", layer, origins)
    if not problems:
        try:
            return Loaded(model.model_validate(merged), origins)
        except ValidationError as error:
            problems = [_explained(detail, origins) for detail in error.errors(include_url=False, include_input=False)]
    lines = "\n".join(f"  {problem}" for problem in problems)
    raise Fault(ErrorCode.CONFIGURATION, f"The settings cannot be used:\n{lines}", details={"problems": problems})


def dotenv_variables(path: Path) -> dict[str, str]:
    """What a file such as `.env` sets, by names in capitals; nothing where there is none."""
    return _upper(dotenv_values(path)) if path.is_file() else {}


def _upper(variables: Mapping[str, str | None]) -> dict[str, str]:
    return {name.upper(): value for name, value in variables.items() if value is not None}


def _yaml_layers(
    model: type[LayeredSettings], folder: Path, environment: str | None, problems: list[str]
) -> Iterator[_Layer]:
    for name in ("base", environment):
        if name is None:
            continue
        path = folder / f"{name}.yaml"
        if not path.is_file():
            if name == environment:
                chosen = [other.stem for other in sorted(folder.glob("*.yaml")) if other.stem != "base"]
                problems.append(f"{model.prefix}ENVIRONMENT names {path}, which does not exist{_hint(name, chosen)}")
            continue
        try:
            values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
            line = getattr(getattr(error, "problem_mark", None), "line", None)
            problems.append(f"{path}{'' if line is None else f', line {line + 1}'}: cannot be read as YAML")
            continue
        if not isinstance(values, dict):
            problems.append(f"{path}: must hold keys and values")
            continue
        for key, field, known in _keys(model, values):
            if field is None:
                problems.append(f"{path}: unknown key `{key}`{_hint(key.rpartition('.')[2], known)}")
            elif _is_secret(field):
                problems.append(f"{path}: `{key}` is a secret; set it by {_variable(model, key)} instead")
            elif key == "environment":
                problems.append(f"{path}: `{key}` chooses which file is read; set {_variable(model, key)} instead")
        yield _Layer(values, lambda key, path=path: str(path))  # type: ignore[misc] # binds this turn's path


def _variables(
    model: type[LayeredSettings],
    variables: Mapping[str, str],
    apart: Callable[[str], bool],
    where: str,
    problems: list[str],
) -> _Layer:
    """The variables with the prefix of `model`; others are nobody's business. An empty one counts as not set, as in
    what a container or a service file passes on."""
    own = {
        name: value for name, value in variables.items() if name.startswith(model.prefix) and value and not apart(name)
    }
    for name in own:
        nested: Any = None
        for step in reversed(name.removeprefix(model.prefix).lower().split(_NESTED)):
            nested = {step: nested}
        for key, field, known in _keys(model, nested):
            if field is None:
                above = key.rpartition(".")[0]
                names = [_variable(model, f"{above}.{other}" if above else other) for other in known]
                problems.append(f"unknown variable {name}{where}{_hint(name, names)}")
    source = EnvSettingsSource(model, env_prefix=model.prefix)
    source.env_vars = {name.lower(): value for name, value in own.items()}
    try:
        values = source()
    except SettingsError as error:
        problems.append(f"{error}{where}: a list or a mapping is written as JSON")
        values = {}
    return _Layer(values, lambda key: _variable(model, key) + where)


def _variable(model: type[LayeredSettings], key: str) -> str:
    """The variable that sets a dotted key."""
    return model.prefix + key.upper().replace(".", _NESTED)


def _keys(
    model: type[BaseModel], values: Mapping[str, Any], above: str = ""
) -> Iterator[tuple[str, FieldInfo | None, Sequence[str]]]:
    """Each key that `values` sets: its dotted name, its field if there is one, and the names known beside it."""
    for name, value in values.items():
        key = f"{above}{name}"
        field = model.model_fields.get(str(name))
        group = None if field is None else _group(field)
        if group is not None and isinstance(value, Mapping):
            yield from _keys(group, value, f"{key}.")
        else:
            yield key, field, list(model.model_fields)


def _group(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a nested group of settings, which may be optional."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _is_secret(field: FieldInfo) -> bool:
    return SecretStr in (field.annotation, *get_args(field.annotation))


def _merge(
    merged: dict[str, Any], values: Mapping[str, Any], above: str, layer: _Layer, origins: dict[str, str]
) -> None:
    for name, value in values.items():
        key = f"{above}{name}"
        if isinstance(value, Mapping):
            inner = merged.get(name)
            merged[name] = inner if isinstance(inner, dict) else {}
            _merge(merged[name], value, f"{key}.", layer, origins)
        else:
            merged[name] = value
            origins[key] = layer.place(key)


def _explained(detail: ErrorDetails, origins: Mapping[str, str]) -> str:
    """Without the value, which may be a secret."""
    steps = [str(step) for step in detail["loc"]]
    for length in range(len(steps), 0, -1):
        key = ".".join(steps[:length])
        if key in origins:
            return f"`{key}` ({origins[key]}): {detail['msg']}"
    return f"`{'.'.join(steps)}`: {detail['msg']}"


def _hint(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean `{close[0]}`?" if close else f"; known are {', '.join(known)}" if known else ""


def _leaves(settings: BaseModel, above: str = "") -> Iterator[tuple[str, object]]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value
