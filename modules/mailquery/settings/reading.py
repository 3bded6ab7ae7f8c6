"""How mail is stored, found and shown."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from mailquery.domain.relevance import Weights
from mailquery.settings.group import Group

Weight = Annotated[float, Field(ge=0, le=1000)]
_DEFAULT = Weights()


class Answers(Group):
    """How much an answer may hold where the caller does not say."""

    max_chars: int = Field(default=20_000, ge=1_000, le=200_000)
    attachment_bytes: int = Field(default=1024 * 1024, ge=1)


class Archive(Group):
    """The database. `readers` None is one for each core; `read_seconds` is the time limit of one query."""

    readers: int | None = Field(default=None, ge=1, le=64)
    read_seconds: float = Field(default=5.0, gt=0)


class Cache(Group):
    """Answers that are kept in memory, in each process, until anything is written to the archive: at most `entries` of
    `bytes` together. No entries switches it off."""

    entries: int = Field(default=8_000, ge=0)
    bytes: int = Field(default=64 * 1024 * 1024, ge=0)


class Importing(Group):
    """`workers` None is one parser process for each core."""

    workers: int | None = Field(default=None, ge=1, le=64)


class Ranking(Group):
    """What relevance is made of. The first six weigh the places in which words stand (BM25); the others weigh how many
    of the words a message has, their BM25, its nearness in meaning, and its age, against each other."""

    subject: Weight = _DEFAULT.subject
    participants: Weight = _DEFAULT.participants
    body: Weight = _DEFAULT.body
    quoted: Weight = _DEFAULT.quoted
    attachments: Weight = _DEFAULT.attachments
    attached: Weight = _DEFAULT.attached
    words: Weight = _DEFAULT.words
    text: Weight = _DEFAULT.text
    meaning: Weight = _DEFAULT.meaning
    recency: Weight = _DEFAULT.recency


class Meaning(Group):
    """Search by meaning. `model` says what embeds: `static` is word vectors that need no network,
    `sentence-transformer` a model of that library (`name` is its folder or name), `openai` any endpoint that speaks
    OpenAI's embeddings API (`base_url` up to /v1, `name` of the model). `dimensions` are asked for where the model can
    shorten its vectors; `batch` is how many texts it is given at once, and `timeout_seconds` how long it may take."""

    enabled: bool = True
    model: Literal["static", "sentence-transformer", "openai"] = "static"
    name: str = ""
    base_url: str = "https://api.openai.com/v1"
    api_key: SecretStr | None = None
    dimensions: int | None = Field(default=None, ge=8, le=8192)
    batch: int = Field(default=64, ge=1, le=2048)
    timeout_seconds: float = Field(default=30.0, gt=0)


class Awaiting(Group):
    """`days` is how long a message of ours is without an answer before it counts as waiting."""

    days: int = Field(default=3, ge=0, le=3_650)


class Mail(Group):
    """`trusted_authserv_ids` are the names of the mail servers whose Authentication-Results are believed (RFC 8601,
    section 2.5): those of the provider, which takes out forged ones before it adds its own."""

    trusted_authserv_ids: tuple[str, ...] = ()
