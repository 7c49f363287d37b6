"""`/retro start`, the hub, the meeting: typed, clicked and read as people do."""

from __future__ import annotations

from bot.app import Seamark
from sandbox import Sandbox
from tests.conftest import Team
from tests.retro_story import begin, hub, incident


def test_start_offers_what_is_known(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)

    team.carol.types("/retro start", room)

    dialog = team.carol.form
    assert dialog.title == "Start retrospective"
    assert dialog.labels == ["Incident", "Guide", "Facilitator", "Participants", "Due", "Meeting"]
    assert dialog.values == {
        "Incident": "INC-1 Checkout fails",
        "Guide": "Standard",
        "Facilitator": team.carol.id,
        "Participants": sorted([team.alice.id, team.bob.id]),
        "Due": "2026-11-23",
        "Meeting": None,
    }


def test_start_posts_a_hub_with_a_button_for_each_step(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)

    begin(team.carol, room)

    shown = hub(team.alice, room)
    assert shown.buttons == [
        "Scope and impact",
        "Milestones",
        "Timeline review",
        "Accounts",
        "Learning",
        "Contributing factors",
        "Actions",
        "Review and publish",
        "Give my account",
        "Join",
    ]
    assert "0 of 8 steps done" in shown.text
