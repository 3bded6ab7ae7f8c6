"""What every group of settings is."""

import json

from pydantic import BaseModel, ConfigDict


class Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def words(given: object) -> object:
    """A variable holds several words with commas between, or as JSON."""
    if not isinstance(given, str):
        return given
    return json.loads(given) if given.lstrip().startswith("[") else given.replace(",", " ").split()
