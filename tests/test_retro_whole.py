"""A whole retrospective by several people, through messages and dialogs alone, small and as large as they come."""

from __future__ import annotations

import pytest
from sqlmodel import Session, select

from bot import answers
from bot.app import Seamark
from sandbox import Channel, Dialog, Person, Sandbox
from sandbox.forms import fields
from sandbox.mrkdwn import pings_of_blocks
from storage.models import DocumentVersion, Retrospective
from tests.conftest import Team
from tests.retro_story import begin, hub, incident
from tests.test_publishing import fill_up

LOUD = "مرحبا 😀 <!channel> <@U0SB0000001> & words that go on"
GUIDES = ["Standard", "ML"]


def opens(person: Person, room: Channel, step: str) -> Dialog:
    person.clicks(step, within=hub(person, room))
    return person.form


def settled(person: Person, dialog: Dialog | None) -> Dialog | None:
    """What comes after the wording help, when there is any."""
    if dialog is not None and dialog.title == "Wording":
        dialog.clicks("Keep as written")
        return person.form
    return dialog


def written(person: Person, dialog: Dialog, words: str) -> Dialog | None:
    """A page of a step with every text answered, saved."""
    texts = [name for name, field in fields(dialog.view).items() if field.element["type"] == "plain_text_input"]
    return settled(person, dialog.fill(dict.fromkeys(texts, words)).submit())


def account(person: Person, words: str, **more: object) -> None:
    asked = next(message for message in person.direct_messages() if "Give my account" in message.buttons)
    person.clicks("Give my account", within=asked)
    texts = [label for label in person.form.labels if label != "Leave my name out"]
    settled(person, person.form.fill({**dict.fromkeys(texts, words), **more}).submit())
    person.form.close()


def agree(person: Person, room: Channel, owner: Person) -> None:
    """A factor out of the timeline, and an action that addresses it."""
    opens(person, room, "Contributing factors").clicks("Add a factor")
    form = person.form
    evidence = form.suggestions("Evidence", "roll back")[0]
    form.fill({"What contributed": f"The deploy check is partial. {LOUD}", "Evidence": [evidence]})
    below = form.submit()
    assert below is not None
    assert "The deploy check is partial" in below.text
    below.close()
    opens(person, room, "Actions").clicks("Add an action")
    fill = {"What will be done": f"Add a deploy check {LOUD}", "How will we know it worked?": "The next drill stops"}
    settled(person, person.form.fill({**fill, "Owner": owner}).submit())
    person.form.close()


@pytest.mark.parametrize("guide", GUIDES)
def test_whole_retrospective_is_led_through_dialogs(slack: Sandbox, team: Team, seamark: Seamark, guide: str) -> None:
    room = incident(slack, team)
    begin(team.carol, room, Guide=guide)
    account(team.alice, "The second dashboard told it. " + LOUD)
    account(team.bob, "Nobody was paged. " + LOUD, **{"Leave my name out": True})
    agree(team.bob, room, team.alice)

    dialog: Dialog | None = opens(team.carol, room, "Scope and impact")
    turn = 0
    while dialog is not None and dialog.submit_label == "Save and continue":
        turn += 1
        title, dialog = dialog.title, written(team.carol, dialog, f"Answer {turn}. {LOUD}")
        if dialog is not None and dialog.title != title and turn % 2:
            following = dialog.title
            dialog.close()
            dialog = opens(team.carol, room, following)
    opens(team.carol, room, "Review and publish").clicks("Ask for a review")
    team.carol.form.fill({"Reviewers": [team.alice]}).submit()
    team.alice.clicks("Approve", within=next(m for m in team.alice.direct_messages() if "Approve" in m.buttons))
    team.carol.form.close()
    opens(team.carol, room, "Review and publish").clicks("Publish")
    if "Publish all the same" in team.carol.form.buttons:
        team.carol.form.clicks("Publish all the same")

    with seamark.db.reading() as session:
        assert session.exec(select(Retrospective.status)).all() == ["published"]
        [version] = session.exec(select(DocumentVersion)).all()
    steps = len(seamark.books.guides[guide.lower()].steps)
    assert f"{steps} of {steps} steps done" in hub(team.alice, room).text
    told = str(version.report)
    assert told.count("The second dashboard told it.") >= 1
    assert told.count("Nobody was paged.") >= 1
    assert f"Answer {turn}." in told
    said = [shown for shown in team.alice.sees(room) if shown.author == "Seamark"]
    assert {ping for shown in said for ping in pings_of_blocks(shown.blocks)} == set()


def answer_all(session: Session, seamark: Seamark, guide: str, by: Person) -> None:
    """Every text of the guide answered with 10,000 characters."""
    found = session.exec(select(Retrospective)).one()
    for step in seamark.books.guides[guide].steps:
        for prompt in step.prompts:
            if prompt.type in {"text", "long_text"} and step.kind != "accounts":
                row = answers.begin(session, found, step.key, prompt.key, by=by.id, now=found.started_at)
                answers.put(session, row, (f"{LOUD}\n" * 300)[:10_000], based_on=0, by=by.id, now=found.started_at)


@pytest.mark.slow
@pytest.mark.parametrize("guide", GUIDES)
def test_every_step_of_the_largest_can_be_shown(slack: Sandbox, team: Team, seamark: Seamark, guide: str) -> None:
    """500 entries, 60 factors, 40 actions, 10,000 characters in each: strict Slack takes every view, page by page."""
    room = incident(slack, team)
    begin(team.carol, room, Guide=guide)
    with seamark.db.transaction() as session:
        fill_up(session, slack, team, seamark.books.taxonomy)
        answer_all(session, seamark, guide.lower(), team.bob)

    seen: list[str] = []
    dialog: Dialog | None = opens(team.carol, room, "Scope and impact")
    while dialog is not None and dialog.submit_label == "Save and continue":
        seen.append(dialog.title)
        assert pings_of_blocks(dialog.blocks) == set()
        for name in ("Earlier versions", "More factors", "More", "Later entries", "Show everything"):
            if name in dialog.buttons:
                dialog.clicks(name)
                team.carol.form.close() if name == "Earlier versions" else None
        dialog = team.carol.form.submit()
    team.bob.types("/retro status", room)
    team.bob.types("/incident timeline", room)
    team.bob.types("/retro actions", room)
    home = team.bob.home()
    for _ in range(3):
        home.clicks("More")

    assert list(dict.fromkeys(seen)) == [step.title for step in seamark.books.guides[guide.lower()].steps]
