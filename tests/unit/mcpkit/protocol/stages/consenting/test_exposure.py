"""After text that somebody else chose was shown, consent to what is sensitive must be fresh."""

from support.consent_world import Person, World, looked
from support.consenting import Clock


async def test_after_untrusted_text_what_is_sensitive_is_asked_for_each_time(
    world: World, clock: Clock, era: str
) -> None:
    await world.grant("*")
    await world.grant("*", "files")
    person = Person("Today")
    async with world.client(person, era) as client:
        assert await looked(client, "open") == ["everything"]  # nothing was shown yet
        for _ in range(2):
            clock.now += 5
            assert await looked(client) == ["everything"]
            clock.now += 5
            assert await looked(client, "open", account="work") == ["work"]
        assert person.asked == ["files of work anew?"] * 2
        clock.now += 34 * 60
        assert await looked(client, "open", account="home") == ["everything"]
    assert len(person.asked) == 2


async def test_taint_without_dialogs_is_an_error_until_consent_is_given_anew(
    world: World, clock: Clock, era: str
) -> None:
    await world.grant("*")
    await world.grant("*", "files")
    async with world.client(None, era) as client:
        clock.now += 5
        await looked(client)
        clock.now += 5
        error = await looked(client, "open", account="work")
        assert (error["code"], error["details"]["fresh"]) == ("CONSENT_REQUIRED", True)
        await world.grant("work", "files")
        assert await looked(client, "open", account="work") == ["work"]


async def test_a_call_that_failed_shows_nothing_and_does_not_taint(world: World, clock: Clock, era: str) -> None:
    async with world.client(None, era) as client:
        await looked(client)
    assert (await world.manager.store.known("ana", "mcp 0.1.0", "[]", clock())).exposed is None
