"""The library, searched as people type."""

from __future__ import annotations

from datetime import date

import pytest

from bot import search
from bot.app import Seamark
from bot.search import Wanted
from sandbox import Channel, Person, Sandbox
from sandbox.mrkdwn import pings_of_blocks
from tests.conftest import Team
from tests.retro_story import begin, hub, incident


def publish(team: Team, room: Channel, summary: str) -> None:
    begin(team.carol, room)
    team.carol.clicks("Scope and impact", within=hub(team.carol, room))
    team.carol.form.fill({"What happened, in three sentences?": summary}).clicks("Save and leave")
    team.carol.form.close(whole_stack=True)
    answer = team.carol.types("/retro publish", room)
    team.carol.clicks("Publish all the same", within=answer.message)


def found(person: Person, words: str, channel: Channel) -> list[str]:
    """The incidents in the answer, in its order."""
    text = person.types(f"/retro search {words}", channel).text
    return [line.split("*")[1] for line in text.split("\n") if line.startswith("• *INC")]


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("pool", Wanted(("pool",))),
        ("Connection POOL sev:1", Wanted(("Connection", "POOL"), severity="SEV1")),
        ("severity:sev2 service:checkout", Wanted(severity="SEV2", service="checkout")),
        ("x after:2026-01 before:2026-02", Wanted(("x",), after=date(2026, 1, 1), before=date(2026, 2, 28))),
        ("x since:2026 until:2026", Wanted(("x",), after=date(2026, 1, 1), before=date(2026, 12, 31))),
        ("x before:2026-12", Wanted(("x",), before=date(2026, 12, 31))),
        ("error: 500", Wanted(("error:", "500"))),
    ],
)
def test_search_reads_words_and_filters(typed: str, wanted: Wanted) -> None:
    assert search.parse(typed) == wanted


@pytest.mark.parametrize("typed", ["x sev:9", "x after:soon", "x after:2026-13", "service:", "before:2026-02-30"])
def test_bad_filter_is_told_in_a_sentence(typed: str) -> None:
    with pytest.raises(search.NoSuchFilter):
        search.parse(typed)


def test_search_finds_answers_once_they_are_published(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)
    assert found(team.alice, "peacock", team.ops) == []

    publish(team, room, "The peacock & the <cache> ate the connection pool. Überlast!")

    answer = team.alice.types("/retro search PEACOCK pool", team.ops)
    assert "Found 1 incident" in answer.text
    assert "answer: The peacock & the <cache> ate the connection pool." in answer.text.replace("_", "")
    assert pings_of_blocks(answer.blocks) == set()
    assert found(team.alice, "überlast", team.ops) == ["INC-1 Checkout fails"]
    assert found(team.alice, "peacock walrus", team.ops) == []


def test_search_ranks_by_hits_then_the_newest(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    incident(slack, team, title="Cache is cold")
    incident(slack, team, title="Cache of the cache is cold")
    incident(slack, team, title="Cache is warm")

    assert found(team.alice, "cache", team.ops) == [
        "INC-2 Cache of the cache is cold",
        "INC-3 Cache is warm",
        "INC-1 Cache is cold",
    ]
    assert found(team.alice, "cold cache sev:2 service:CHECK", team.ops)[0] == "INC-2 Cache of the cache is cold"
    assert found(team.alice, "cache sev:1", team.ops) == []
    assert found(team.alice, "after:2026-11-16 before:2026-11", team.ops) == [
        "INC-3 Cache is warm",
        "INC-2 Cache of the cache is cold",
        "INC-1 Cache is cold",
    ]


def test_search_finds_marked_lines_with_what_slack_writes_out(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)
    team.alice.types("/incident mark note: 100%_sure R&D <b> broke", room)
    team.alice.says("chatter that nobody marked", room)

    assert found(team.alice, "r&d", team.ops) == ["INC-1 Checkout fails"]
    assert found(team.alice, "100%_sure", team.ops) == ["INC-1 Checkout fails"]
    assert found(team.alice, "1%sure", team.ops) == []
    assert found(team.alice, "chatter", team.ops) == []


def test_private_incidents_are_found_by_members_only(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team, title="Payroll leak", private=True)
    publish(team, room, "The payroll was public.")
    dave = slack.person("dave")
    dave.joins(team.ops)

    assert found(team.alice, "payroll", team.ops) == ["INC-1 Payroll leak"]
    assert found(dave, "payroll", team.ops) == []
    assert found(dave, "sev:2", team.ops) == []
    assert "payroll" not in dave.types("/retro search payroll", team.ops).text.lower().replace("payroll`", "")


def test_search_without_words_says_how(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    assert "Say what to look for" in team.alice.types("/retro search", team.ops).text
    assert "A filter is" in team.alice.types("/retro search x sev:7", team.ops).text


def test_many_results_are_paged(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    for number in range(12):
        team.alice.types("/incident declare", team.ops)
        team.alice.form.fill({"Title": f"Flaky number {number}"}).submit()
        if team.alice.dialog is not None:
            team.alice.form.close()

    answer = team.alice.types("/retro search flaky", team.ops)
    assert "Found 12 incidents, 1 to 10" in answer.text.replace("*", "")
    team.alice.clicks("More", within=answer.message)

    shown = team.alice.sees(team.ops)[-1].text
    assert "11 to 12" in shown
    assert shown.count("Flaky number") == 2


def test_what_was_woven_in_is_found_with_the_name_beside_it(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)
    begin(team.carol, room)
    team.bob.types("/retro perspective", room)
    team.bob.form.fill({"What surprised you?": "The cache was cold."}).submit()
    team.carol.clicks("Accounts", within=hub(team.carol, room))
    team.carol.form.clicks("Weave into learning")
    team.carol.form.close()
    team.carol.clicks("Publish all the same", within=team.carol.types("/retro publish", room).message)

    assert "The cache was cold. (bob)" in team.alice.types("/retro search cold", team.ops).text
