"""An incident that is over, and its retrospective begun: where the tests of the retrospective start."""

from __future__ import annotations

from sandbox import Channel, Person, Sandbox, Shown
from tests.conftest import Team


def incident(slack: Sandbox, team: Team, *, title: str = "Checkout fails", private: bool = False) -> Channel:
    """An incident in a room of its own, with all three in it and a few lines on its timeline, and closed."""
    team.alice.types("/incident declare", team.ops)
    fields: dict[str, object] = {"Title": title, "Severity": "SEV2", "Services": "checkout, payments"}
    fields |= {"What is happening": "Orders are refused.", "People to invite": [team.bob, team.carol]}
    if private:
        fields["Private"] = True
    team.alice.form.fill(fields).submit()
    if team.alice.dialog is not None:
        team.alice.form.close()
    slack.settle()
    room = slack.channels()[-1]
    team.alice.says("I am on it", room)
    team.bob.says("looking at the dashboards", room)
    team.alice.types("/incident mark 09:42 decision: roll back to v41", room)
    team.bob.types("/incident mark 04:50 impact: half of the orders fail", room)
    team.bob.types("/incident mark 04:45 detection: the error rate doubled", room)
    team.alice.types("/incident started 09:30", room)
    team.alice.types("/incident resolved 09:55", room)
    team.alice.types("/incident close", room)
    return room


def begin(person: Person, room: Channel, **fields: object) -> None:
    """Start the retrospective in the room; going on when the facilitator is not neutral."""
    person.types("/retro start", room)
    dialog = person.form.fill(fields).submit()
    if dialog is not None and dialog.title == "Start retrospective":
        dialog.submit()
    if person.dialog is not None:
        person.form.close()


def hub(person: Person, room: Channel) -> Shown:
    """The hub as it stands now in the room."""
    return next(message for message in reversed(person.sees(room)) if "Scope and impact" in message.buttons)
