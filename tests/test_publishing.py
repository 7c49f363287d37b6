"""A retrospective is reviewed, published, published again, and shared, through what people type and click."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from bot import action_items, factors, mrkdwn, publishing, timeline
from bot.action_items import Plan
from bot.app import Seamark
from bot.factors import Draft
from bot.kinds import Kind
from bot.publishing import Decision
from bot.taxonomy import Taxonomy
from sandbox import Channel, Dialog, Person, Sandbox, Shown
from sandbox.mrkdwn import pings_of_blocks
from storage import audit as trail
from storage import outbox, retros
from storage.db import Database
from storage.models import DocumentVersion, Incident, OutboxItem, Retrospective, Review
from tests.conftest import Team
from tests.follow_through import TODAY, at
from tests.retro_story import begin, hub, incident

REVIEW = "Review and publish"
SUMMARY = "What happened, in three sentences?"


@pytest.fixture
def room(slack: Sandbox, team: Team, seamark: Seamark) -> Channel:
    room = incident(slack, team)
    begin(team.carol, room)
    return room


def opens(person: Person, room: Channel, step: str = REVIEW) -> Dialog:
    person.clicks(step, within=hub(person, room))
    return person.form


def versions(db: Database) -> list[int]:
    with db.reading() as session:
        return [row.number for row in session.exec(select(DocumentVersion).order_by(col(DocumentVersion.id)))]


def status(db: Database) -> str:
    with db.reading() as session:
        return session.exec(select(Retrospective)).one().status


def audited(db: Database, slack: Sandbox) -> list[str]:
    with db.reading() as session:
        return [one.what for one in trail.trail(session, slack.team_id)]


def with_files(person: Person, channel: Channel) -> list[Shown]:
    return [shown for shown in person.sees(channel) if shown.files]


def announced(person: Person, channel: Channel) -> list[str]:
    return [shown.text for shown in person.sees(channel) if "is published" in shown.text]


# --- readiness -------------------------------------------------------------------------------------------


def test_review_step_names_what_is_open(room: Channel, team: Team) -> None:
    form = opens(team.carol, room)

    assert "Not published yet." in form.text
    assert "Scope and impact: What happened, in three sentences?" in form.text
    assert "No time is set for: detected, acknowledged, mitigated" in form.text
    assert "Nobody has given an account yet" in form.text
    assert "No contributing factors yet" in form.text
    assert "No actions, and no word why none are needed" in form.text
    assert "Nobody has approved it yet" in form.text
    assert form.buttons[:4] == ["Publish", "Ask for a review", "Read the draft", "Anonymised version"]


def test_checklist_is_kept_like_an_answer(room: Channel, team: Team) -> None:
    form = opens(team.carol, room)
    points = ["An outsider can read it; terms are explained"]

    form.fill({"Checklist": points}).clicks("Save and leave")

    assert opens(team.alice, room).values["Checklist"] == points
    assert "8 points are not ticked" in team.alice.form.text


# --- review ----------------------------------------------------------------------------------------------


def ask_bob(team: Team, room: Channel) -> Shown:
    opens(team.carol, room).clicks("Ask for a review")
    team.carol.form.fill({"Reviewers": [team.bob]}).submit()
    return next(shown for shown in reversed(team.bob.direct_messages()) if "Approve" in shown.buttons)


def test_reviewer_is_asked_with_the_draft_and_approves(room: Channel, team: Team, slack: Sandbox, db: Database) -> None:
    request = ask_bob(team, room)

    assert "carol asks you to review the retrospective of INC-1 Checkout fails" in request.text.replace("*", "")
    (draft,) = [shown for shown in team.bob.direct_messages() if shown.files]
    assert b"<html" in team.bob.read_file(draft.files[0])
    assert "bob was asked" in team.carol.form.text
    assert status(db) == "review"

    team.bob.clicks("Approve", within=request)

    assert "You approved the retrospective of INC-1." in team.bob.direct_messages()[-2].text
    assert "bob approved the retrospective" in team.carol.direct_messages()[-1].text.replace("*", "")
    assert "bob approved it" in opens(team.alice, room).text
    assert [what for what in audited(db, slack) if what in {"asked for review", "approved"}] == [
        "asked for review",
        "approved",
    ]


def test_reviewer_asks_for_changes_in_words_and_is_asked_again(room: Channel, team: Team, db: Database) -> None:
    request = ask_bob(team, room)

    team.bob.clicks("Ask for changes", within=request)
    team.bob.form.fill({"What should change?": "Explain <!channel> & the *cache*"}).submit()

    heard = team.carol.direct_messages()[-1]
    assert "asks for changes" in heard.text
    assert "Explain <!channel> & the *cache*" in heard.text
    assert pings_of_blocks(heard.blocks) == set()
    assert "bob asks for changes: Explain" in opens(team.alice, room).text

    again = ask_bob(team, room)
    team.bob.clicks("Approve", within=again)
    with db.reading() as session:
        assert [(one.decision, one.words) for one in session.exec(select(Review))] == [("approved", "")]


def test_somebody_who_was_not_asked_cannot_approve(room: Channel, team: Team, slack: Sandbox, db: Database) -> None:
    with db.reading() as session:
        found = session.exec(select(Retrospective)).one()
    with db.transaction() as session, pytest.raises(publishing.NotAsked):
        publishing.decide(session, found, team.alice.id, Decision.APPROVED, "", slack.clock.now())


# --- published -------------------------------------------------------------------------------------------


def test_publish_asks_first_while_something_is_open(room: Channel, team: Team, db: Database) -> None:
    asked = team.carol.types("/retro publish", room)

    assert "This is still open. It can be published all the same:" in asked.text
    assert versions(db) == []

    team.carol.clicks("Publish all the same", within=asked.message)

    assert versions(db) == [1]
    assert status(db) == "published"


def test_publish_in_the_step_keeps_what_was_typed(room: Channel, team: Team, db: Database) -> None:
    form = opens(team.carol, room)
    form.fill({"Which terms does an outsider need explained?": "Prow: what runs our builds"})

    form.clicks("Publish")
    assert versions(db) == []
    team.carol.form.clicks("Publish all the same")

    assert "Version 1 of INC-1 is published." in team.carol.form.text
    assert "Publish" not in team.carol.form.buttons
    with db.reading() as session:
        report = session.exec(select(DocumentVersion)).one().report
    assert "Prow: what runs our builds" in json.dumps(report)


def publish(team: Team, room: Channel) -> None:
    answer = team.carol.types("/retro publish", room)
    if "Publish all the same" in answer.buttons:
        team.carol.clicks("Publish all the same", within=answer.message)


def test_publication_shares_document_brief_and_thanks(room: Channel, team: Team, slack: Sandbox) -> None:
    publish(team, room)

    (text,) = announced(team.alice, room)
    assert "The retrospective of INC-1 Checkout fails is published, version 1, by carol." in text.replace("*", "")
    assert "Thank you, alice, bob and carol." in text
    (message,) = with_files(team.alice, room)
    assert [file["name"] for file in message.files] == ["inc-1-retrospective-v1.html", "inc-1-retrospective-v1.md"]
    assert b"Checkout fails" in team.alice.read_file(message.files[1])
    said = next(shown for shown in team.alice.sees(room) if "is published" in shown.text)
    assert pings_of_blocks(said.blocks) == set()


def test_publish_twice_is_one_version(room: Channel, team: Team, db: Database) -> None:
    answer = team.carol.types("/retro publish", room)
    team.carol.clicks("Publish all the same", within=answer.message)
    publish(team, room)
    publish(team, room)

    assert versions(db) == [1]
    assert len(announced(team.alice, room)) == 1
    assert len(with_files(team.alice, room)) == 1
    assert "Nothing was changed since version 1 of INC-1" in team.carol.types("/retro publish", room).text


def test_later_changes_make_a_new_version_with_the_difference(room: Channel, team: Team, db: Database) -> None:
    publish(team, room)
    opens(team.alice, room, "Scope and impact").fill({"How many were affected?": "415 orders"}).submit()

    form = opens(team.alice, room)
    assert "Version 1 is published. It was changed since; the next is version 2." in form.text.replace("*", "")
    assert "Changes since version 1" in form.text
    publish(team, room)

    assert versions(db) == [1, 2]
    second = announced(team.bob, room)[-1]
    assert "version 2, by carol" in second
    assert "Changes since version 1" in second
    assert "415 orders" in second
    assert "Thank you" not in second


def test_brief_goes_to_its_channel_once_and_follows(slack: Sandbox, team: Team, seamark: Seamark, db: Database) -> None:
    briefs = slack.channel("briefs", members=[team.alice], with_bot=True)
    object.__setattr__(seamark.settings, "brief_channel", briefs.id)
    room = incident(slack, team)
    begin(team.carol, room)
    publish(team, room)

    (brief,) = team.alice.sees(briefs)
    assert "What we do about it" in brief.text
    assert "Draft" not in brief.text

    opens(team.alice, room, "Scope and impact").fill({"How many were affected?": "415 orders"}).submit()
    publish(team, room)
    (brief,) = team.alice.sees(briefs)
    assert "Affected: 415 orders" in brief.text


def test_private_brief_never_leaves_its_channel(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    briefs = slack.channel("briefs", members=[team.alice], with_bot=True)
    object.__setattr__(seamark.settings, "brief_channel", briefs.id)
    room = incident(slack, team, private=True)
    begin(team.carol, room)
    publish(team, room)

    assert team.alice.sees(briefs) == []
    assert len(announced(team.alice, room)) == 1
    shown = team.alice.types("/retro brief INC-1", team.ops)
    assert "Checkout fails" in shown.text
    assert shown.buttons == []
    dave = slack.person("dave")
    dave.joins(team.ops)
    assert "There is no such incident that you can see." in dave.types("/retro brief INC-1", team.ops).text


def test_brief_of_what_became_private_is_taken_back_everywhere(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    briefs = slack.channel("briefs", members=[team.alice], with_bot=True)
    object.__setattr__(seamark.settings, "brief_channel", briefs.id)
    room = incident(slack, team)
    begin(team.carol, room)
    publish(team, room)
    team.alice.clicks("Post it here", within=team.alice.types("/retro brief INC-1", team.ops).message)
    team.alice.clicks("Post it here", within=team.alice.types("/retro brief", room).message)

    team.alice.makes_private(room)

    assert [one.text for one in team.alice.sees(briefs)] == ["What stood here is private now."]
    assert [one.text for one in team.alice.sees(team.ops) if not one.ephemeral] == ["What stood here is private now."]
    assert len([one for one in team.alice.sees(room) if "What we do about it" in one.text]) == 1


@pytest.mark.parametrize("why", ["edit_window_closed", "cant_update_message", "is_inactive"])
def test_brief_that_cannot_be_edited_is_deleted_when_it_becomes_private(
    slack: Sandbox, team: Team, seamark: Seamark, why: str
) -> None:
    room = incident(slack, team)
    team.alice.clicks("Post it here", within=team.alice.types("/retro brief INC-1", team.ops).message)
    slack.faults.refuse("chat.update", why)

    team.alice.makes_private(room)

    assert [one.text for one in team.alice.sees(team.ops) if not one.ephemeral] == []
    with seamark.db.reading() as session:
        assert outbox.failed(session) == []


def test_lead_is_told_where_a_brief_that_became_private_still_stands(
    slack: Sandbox, team: Team, seamark: Seamark
) -> None:
    news = slack.channel("news", members=[team.alice], with_bot=True)
    room = incident(slack, team)
    for place in (news, team.ops):
        team.alice.clicks("Post it here", within=team.alice.types("/retro brief INC-1", place).message)
    slack.faults.refuse("chat.update", "cant_update_message")
    slack.faults.refuse("chat.delete", "cant_delete_message")

    team.alice.makes_private(room)

    standing = [place for place in (news, team.ops) if "Checkout fails" in team.alice.sees(place)[-1].text]
    assert len(standing) == 1
    (told,) = [one.text for one in team.alice.direct_messages() if "private" in one.text]
    assert told == (
        f"INC-1 is private, but what I said about it in #{standing[0].name} may still be read there, because Slack"
        " lets me neither edit nor delete it (cant_delete_message): please ask an admin of your workspace to delete it."
    )
    with seamark.db.reading() as session:
        [given_up] = outbox.failed(session)
    assert given_up.error == "what became private still stands: cant_delete_message"


def test_private_reviewers_are_members_only(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team, private=True)
    begin(team.carol, room)
    dave = slack.person("dave")
    opens(team.carol, room).clicks("Ask for a review")

    refused = team.carol.form.fill({"Reviewers": [dave]}).submit()

    assert refused is not None
    assert "cannot be asked: only people who may see this incident can be." in refused.errors["Reviewers"]


def test_brief_is_whispered_and_posted_when_asked(room: Channel, team: Team) -> None:
    answer = team.alice.types("/retro brief", room)
    assert "INC-1 Checkout fails" in answer.text
    assert "Draft" in answer.text

    team.alice.clicks("Post it here", within=answer.message)

    assert len([shown for shown in team.bob.sees(room) if "What we do about it" in shown.text]) == 1


def test_brief_names_blaming_sentences_to_the_one_who_posts_it_alone(
    room: Channel, team: Team, slack: Sandbox, seamark: Seamark
) -> None:
    blame = "Bob carelessly deployed the wrong version."
    opens(team.carol, room, "Scope and impact").fill({SUMMARY: f"Orders were refused. {blame}"}).submit()
    if team.carol.dialog is not None:
        team.carol.form.clicks("Keep as written")

    answer = team.alice.types("/retro brief", room)
    assert f"• “{blame}”" in answer.text
    assert "only you see this hint" in answer.text
    assert "• “Orders" not in answer.text
    team.alice.clicks("Post it here", within=answer.message)
    assert [one for one in team.bob.sees(room) if "only you see this hint" in one.text] == []

    briefs = slack.channel("briefs", members=[team.alice], with_bot=True)
    object.__setattr__(seamark.settings, "brief_channel", briefs.id)
    team.bob.clicks("Publish all the same", within=team.bob.types("/retro publish", room).message)
    assert [f"• “{blame}”" in one.text for one in team.bob.sees(room) if one.ephemeral][-1:] == [True]
    (brief,) = team.alice.sees(briefs)
    assert "only you see this hint" not in brief.text


def test_failed_upload_does_not_stop_the_publication(room: Channel, team: Team, slack: Sandbox, db: Database) -> None:
    slack.faults.refuse("files.getUploadURLExternal", "file_uploads_disabled")

    publish(team, room)

    assert status(db) == "published"
    assert len(announced(team.alice, room)) == 1
    assert with_files(team.alice, room) == []
    with db.reading() as session:
        states = {one.kind: one.state for one in session.exec(select(OutboxItem)) if "version" in one.kind}
    assert states == {"share_version": "done", "upload_version": "failed"}


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal", "chat.postMessage"])
@pytest.mark.parametrize("after", [False, True])
def test_lost_answers_share_everything_once(
    room: Channel, team: Team, slack: Sandbox, seamark: Seamark, method: str, after: bool
) -> None:
    slack.faults.reset(method, after=after)

    publish(team, room)
    for _ in range(4):
        slack.clock.advance(seconds=60)
        seamark.courier.drain()

    assert len(announced(team.alice, room)) == 1
    assert len(with_files(team.alice, room)) == 1


def test_archived_channel_gets_the_document_to_the_publisher(
    room: Channel, team: Team, db: Database, slack: Sandbox
) -> None:
    answer = team.carol.types("/retro publish", room)
    team.alice.archives(room)
    team.carol.clicks("Publish all the same", within=answer.message)

    texts = [shown.text for shown in team.carol.direct_messages()]
    assert any("is published" in text for text in texts)
    assert any(shown.files for shown in team.carol.direct_messages())


def test_publication_is_audited(room: Channel, team: Team, slack: Sandbox, db: Database) -> None:
    publish(team, room)

    assert audited(db, slack).count("published") == 1


def test_who_does_not_take_part_cannot_publish(room: Channel, team: Team, slack: Sandbox, db: Database) -> None:
    dave = slack.person("dave")
    dave.joins(room)

    assert "You do not take part in this retrospective yet" in dave.types("/retro publish", room).text
    assert versions(db) == []


def fill_up(session: Session, slack: Sandbox, team: Team, terms: Taxonomy) -> None:
    """500 lines, 60 factors and 40 actions, with texts of 10,000 characters of every kind."""
    text = ("<!channel> & *long* `text` | שלום 🔥 " * 300)[:10_000]
    incident, retrospective = session.get_one(Incident, 1), session.get_one(Retrospective, 1)
    now = slack.clock.now()
    for number in range(500):
        timeline.record(
            session,
            incident,
            Kind.NOTE,
            f"line {number} " + mrkdwn.escape(text[: 10_000 if number < 5 else 50]),
            by=team.alice.id,
            source_key=f"many:{number}",
            at=now,
            now=now,
        )
    for number in range(60):
        draft = Draft(f"Factor {number} {text[: 10_000 if number < 5 else 200]}", another_view=text)
        factors.add(session, retrospective, draft, taxonomy=terms, by=team.bob.id, source_key=f"many:{number}", now=now)
    for number in range(40):
        plan = Plan(f"Add alert {number} {text[:2000]}", team.bob.id, now.date(), success_criteria="")
        action_items.add(
            session, incident, plan, by=team.bob.id, source_key=f"many:{number}", now=now, retrospective_id=1
        )


@pytest.mark.slow
def test_much_is_published_as_well(room: Channel, team: Team, slack: Sandbox, seamark: Seamark, db: Database) -> None:
    with seamark.db.transaction() as session:
        fill_up(session, slack, team, seamark.books.taxonomy)

    form = opens(team.carol, room)
    assert "ACT-40 has no way to tell that it worked" not in form.text, "only the first thirty are named"
    assert "more" in form.text
    form.clicks("Publish")
    team.carol.form.clicks("Publish all the same")
    opens(team.alice, room, "Contributing factors").clicks("Withdraw")
    publish(team, room)
    team.bob.types("/retro brief", room)
    team.bob.types("/retro search factor", room)

    assert versions(db) == [1, 2]
    assert len(with_files(team.alice, room)) == 2
    said = [shown for shown in team.alice.sees(room) if shown.author == "Seamark"]
    assert {ping for shown in said for ping in pings_of_blocks(shown.blocks)} == set()


def test_publishing_at_once_makes_one_version(
    room: Channel, team: Team, slack: Sandbox, seamark: Seamark, db: Database
) -> None:
    books = seamark.books
    made: list[bool] = []

    def press() -> None:
        with seamark.db.transaction() as session:
            found = retros.held(session, 1)
            of = session.get_one(Incident, 1)
            made.append(publishing.publish(session, found, of, books, by=team.carol.id, now=slack.clock.now())[1])

    pressing = [threading.Thread(target=press) for _ in range(4)]
    for thread in pressing:
        thread.start()
    for thread in pressing:
        thread.join()

    assert sorted(made) == [False, False, False, True]
    assert versions(db) == [1]


# --- a reviewer answers wherever they are asked ------------------------------------------------------------


def asks_alice(team: Team, room: Channel) -> None:
    dialog = opens(team.carol, room)
    dialog.clicks("Ask for a review")
    team.carol.form.fill({"Reviewers": [team.alice]}).submit()


def decisions(db: Database) -> list[tuple[str | None, str]]:
    with db.reading() as session:
        return [(row.decision, row.words) for row in session.exec(select(Review))]


def test_reviewer_approves_on_the_home_tab(room: Channel, team: Team, db: Database) -> None:
    asks_alice(team, room)
    home = team.alice.home()
    assert "your review is asked for" in home.text
    assert home.buttons == ["Approve", "Ask for changes"]

    home.clicks("Approve")

    assert decisions(db) == [("approved", "")]
    assert team.alice.home().buttons == []
    assert "alice* approved" in str(team.carol.direct_messages()[-1].blocks)


def test_reviewer_asks_for_changes_on_the_home_tab(room: Channel, team: Team, db: Database) -> None:
    asks_alice(team, room)
    home = team.alice.home()

    home.clicks("Ask for changes")
    team.alice.form.fill({"What should change?": "Say who was told."}).submit()

    assert decisions(db) == [("changes", "Say who was told.")]
    assert home.buttons == []


def test_reminder_of_a_review_has_its_answers_and_keeps_the_rest(
    room: Channel, team: Team, slack: Sandbox, seamark: Seamark, db: Database
) -> None:
    asks_alice(team, room)
    with seamark.db.transaction() as session:
        plan = Plan("Add an alert", team.alice.id, slack.clock.now().date(), success_criteria="It fires")
        of = session.exec(select(Incident)).one()
        found = action_items.add(
            session, of, plan, by=team.bob.id, source_key="test", now=slack.clock.now(), retrospective_id=1
        )
        found.next_look_at = slack.clock.now()
    at(slack, seamark, TODAY + timedelta(days=1))
    reminder = next(m for m in reversed(team.alice.direct_messages()) if "your review" in m.text)
    assert reminder.buttons == ["Approve", "Ask for changes", "Done", "Snooze", "Hand over", "Won't do"]

    team.alice.clicks("Approve", within=reminder)

    assert decisions(db) == [("approved", "")]
    after = next(m for m in team.alice.direct_messages() if m.ts == reminder.ts)
    assert after.buttons == ["Done", "Snooze", "Hand over", "Won't do"]
    assert "nothing is waiting any more" in after.text


def test_old_request_still_takes_an_answer_after_publication(room: Channel, team: Team, db: Database) -> None:
    asks_alice(team, room)
    request = next(m for m in reversed(team.alice.direct_messages()) if "Approve" in m.buttons)
    opens(team.carol, room).clicks("Publish")
    team.carol.form.clicks("Publish all the same")
    assert status(db) == "published"

    team.alice.clicks("Approve", within=request)

    assert decisions(db) == [("approved", "")]


def test_home_offers_the_account_that_is_asked_for(room: Channel, team: Team) -> None:
    home = team.bob.home()
    assert home.buttons == ["Give my account"]

    home.clicks("Give my account")

    assert team.bob.form.title == "My account"
