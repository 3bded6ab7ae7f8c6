"""The model that search by meaning stands on, as it is set."""

from mailquery.services.meaning import Meaning
from mailquery.settings.reading import Meaning as MeaningSettings


def chosen_meaning(chosen: MeaningSettings) -> Meaning:
    """What embeds, as it is set. Only the chosen kind of model is imported, and nothing of what it stands on."""
    if not chosen.enabled:
        return Meaning(None, "Search by meaning is switched off: set MAILQUERY_MEANING__ENABLED to true.")
    from mailquery.embedding.packages import missing

    if chosen.model == "static":
        from mailquery.embedding import static

        lacking = missing(static.NEEDED)
        return Meaning(None, _not_installed(lacking)) if lacking else Meaning(static.StaticEmbedder())
    if not chosen.name:
        return Meaning(None, f"The model {chosen.model} needs a name: set MAILQUERY_MEANING__NAME.")
    if chosen.model == "sentence-transformer":
        from mailquery.embedding import sentence_transformer

        if lacking := missing(sentence_transformer.NEEDED):
            return Meaning(None, _not_installed([name.replace("_", "-") for name in lacking], "sentence-transformers"))
        return Meaning(sentence_transformer.SentenceTransformerEmbedder(chosen.name, batch=chosen.batch))
    from mailquery.embedding import openai_compatible

    if lacking := missing(openai_compatible.NEEDED):
        return Meaning(None, _not_installed(lacking))
    return Meaning(
        openai_compatible.OpenAIEmbedder(
            chosen.base_url,
            chosen.name,
            key=chosen.api_key.get_secret_value() if chosen.api_key else None,
            dimensions=chosen.dimensions,
            batch=chosen.batch,
            timeout=chosen.timeout_seconds,
        )
    )


def _not_installed(names: list[str], remedy: str = "mailquery[semantic]") -> str:
    return f"Search by meaning needs packages that are not installed ({', '.join(names)}): install {remedy}."
