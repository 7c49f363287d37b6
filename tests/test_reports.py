"""A report out of the database: what people typed, under the guide's headings, in an order that tells nothing."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot import documents, reports
from bot.app import Seamark
from bot.report import Report
from sandbox import Channel, Sandbox
from storage import audit as trail
from storage.models import Account, Answer, Entry, Incident, Retrospective
from tests.conftest import Team
from tests.retro_story import begin, hub, incident


@pytest.fixture
def room(slack: Sandbox, team: Team, seamark: Seamark) -> Channel:
    room = incident(slack, team)
    begin(team.carol, room)
    return room


def built(seamark: Seamark, number: int = 1) -> Report:
    books = seamark.books
    with seamark.db.reading() as session:
        return reports.build(session, session.get_one(Incident, number), books)


def answer(session: Session, seamark: Seamark, step: str, prompt: str, text: str) -> None:
    row = session.get_one(Retrospective, 1)
    session.add(
        Answer(
            team_id=row.team_id,
            retrospective_id=1,
            step=step,
            prompt=prompt,
            text=text,
            version=1,
            saved_by=row.facilitator_id,
            saved_at=row.started_at,
        )
    )


def test_report_holds_the_incident_with_names(room: Channel, team: Team, seamark: Seamark) -> None:
    report = built(seamark)

    assert (report.incident.key, report.incident.severity, report.incident.services) == (
        "INC-1",
        "SEV2",
        ("checkout", "payments"),
    )
    assert report.zone == "Asia/Kolkata"
    assert [person.name for person in report.people] == ["alice", "bob", "carol"]
    assert report.name(report.facilitator) == "carol"
    assert [milestone.kind for milestone in report.milestones] == ["started", "resolved"]
    assert report.durations.resolve.seconds == timedelta(minutes=25).total_seconds()
    assert [(entry.text, entry.is_marked, report.name(entry.author)) for entry in report.timeline] == [
        ("Started", True, "alice"),
        ("roll back to v41", True, "alice"),
        ("the error rate doubled", True, "bob"),
        ("half of the orders fail", True, "bob"),
        ("Resolved", True, "alice"),
        ("I am on it", False, "alice"),
        ("looking at the dashboards", False, "bob"),
        ("Incident closed", True, "alice"),
    ]
    assert [report.name(key) for key in report.thanks] == ["alice", "bob", "carol"]
    assert report.limitations == (
        "It is not known when it was detected, acknowledged or mitigated.",
        "0 of 2 participants gave an account of their own.",
    )


def test_report_thanks_nobody_who_was_only_asked(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    room = incident(slack, team)
    dave = slack.person("dave")
    begin(team.carol, room, Participants=[team.alice, dave])

    report = built(seamark)

    assert [report.name(key) for key in report.thanks] == ["alice", "bob", "carol"]
    assert "telling how it was" not in documents.render(report, "md")


def test_report_is_the_same_from_the_same_rows(room: Channel, seamark: Seamark) -> None:
    assert built(seamark).model_dump_json() == built(seamark).model_dump_json()


def test_answers_stand_under_the_guides_headings(room: Channel, team: Team, seamark: Seamark) -> None:
    with seamark.db.transaction() as session:
        answer(session, seamark, "scope", "data_harm", "delayed")
        answer(session, seamark, "factors", "likelihood", "likely")
        answer(session, seamark, "factors", "consequence", "major")
        answer(session, seamark, "review", "reviewers", f"{team.alice.id}\n{team.bob.id}")
        answer(session, seamark, "review", "told", "support\npublic")
        answer(session, seamark, "review", "checklist", "readable\nnew")
        answer(session, seamark, "review", "no_longer_asked", "kept all the same")
        answer(session, seamark, "gone_step", "old", "of an earlier guide")

    report = built(seamark)

    told = {
        (section.key, one.prompt): (one.heading, one.text) for section in report.sections for one in section.answers
    }
    assert told == {
        ("scope", "data_harm"): ("Impact", "Late, and complete by now"),
        ("factors", "likelihood"): ("Risk", "Likely"),
        ("factors", "consequence"): ("Risk", "Major"),
        ("review", "told"): ("Communication plan", "Support and customer success; The public"),
        ("review", "reviewers"): ("Review", "alice, bob"),
        ("review", "checklist"): (
            "Review",
            "An outsider can read it; terms are explained; There is something in it that is new to another team",
        ),
        ("review", "no_longer_asked"): ("No longer asked", "kept all the same"),
        ("gone_step", "old"): ("Old", "of an earlier guide"),
    }
    assert report.risk is not None
    assert (report.risk.score, report.risk.band.label) == (9, "High")


def test_follow_ups_stand_in_the_order_of_the_timeline(room: Channel, team: Team, seamark: Seamark) -> None:
    with seamark.db.transaction() as session:
        lines = {entry.text: entry.id for entry in session.exec(select(Entry))}
        answer(session, seamark, "timeline", f"entry_{lines['the error rate doubled']}", "the graph showed it")
        answer(session, seamark, "timeline", f"entry_{lines['roll back to v41']}", "it had worked before")

    section = next(section for section in built(seamark).sections if section.key == "timeline")

    assert [(one.heading, one.label, one.text) for one in section.answers] == [
        ("Key moments", "15:12 roll back to v41: What brought you to that?", "it had worked before"),
        ("Key moments", "15:15 the error rate doubled: What specifically made it seem so?", "the graph showed it"),
    ]
    assert [one.entry for one in section.answers] == [lines["roll back to v41"], lines["the error rate doubled"]]


def test_follow_ups_are_printed_with_the_line_they_are_about(room: Channel, team: Team, seamark: Seamark) -> None:
    with seamark.db.transaction() as session:
        lines = {entry.text: entry.id for entry in session.exec(select(Entry))}
        for words, said in (("roll back to v41", "it had worked & before"), ("I am on it", "I was on call")):
            answer(session, seamark, "timeline", f"entry_{lines[words]}", said)
    report = built(seamark)

    markdown, html = documents.render(report, "md"), documents.render(report, "html")

    [row] = [line for line in markdown.splitlines() if "roll back to v41 |" in line or "roll back to v41<br>" in line]
    assert row.endswith("roll back to v41<br>*What brought you to that?* it had worked &amp; before |")
    assert [text.count("it had worked") for text in (markdown, html)] == [1, 1]
    assert [text.count("I was on call") for text in (markdown, html)] == [1, 1]
    decision = html[html.index("roll back to v41</span>") :]
    assert "it had worked &amp; before" in decision[: decision.index("</tr>")]


def test_unnamed_accounts_stay_unnamed_and_in_no_order(room: Channel, team: Team, seamark: Seamark) -> None:
    words = [f"{letter} saw it" for letter in "dbca"]
    with seamark.db.transaction() as session:
        row = session.get_one(Retrospective, 1)
        for text in words:
            session.add(
                Account(
                    handle=f"h{random.random()}",
                    team_id=row.team_id,
                    retrospective_id=1,
                    answers={"thinking": text},
                    saved_on=row.started_at.date(),
                )
            )
        session.add(
            Account(
                handle="named",
                team_id=row.team_id,
                retrospective_id=1,
                user_id=team.bob.id,
                answers={"thinking": "z"},
                saved_on=row.started_at.date(),
            )
        )

    report = built(seamark)

    assert [(report.name(one.person), one.answers[0].text) for one in report.accounts] == [
        ("bob", "z"),
        *(("somebody", text) for text in sorted(words)),
    ]
    assert "h0." not in report.model_dump_json()


def test_unnamed_account_is_not_in_the_audit_trail(room: Channel, team: Team, slack: Sandbox, seamark: Seamark) -> None:
    def written() -> list[tuple[str, str]]:
        with seamark.db.reading() as session:
            return [(one.actor_id, one.what) for one in trail.trail(session, slack.team_id)]

    before = written()
    team.bob.types("/retro perspective", room)
    form = team.bob.form
    box = next(label for label in form.labels if "name" in label.lower())
    form.fill({"What surprised you?": "That it went so fast.", box: True}).submit()

    assert [one.answers[0].text for one in built(seamark).accounts] == ["That it went so fast."]
    assert [one for one in written()[len(before) :] if one[0] == team.bob.id] == []


def test_deleted_message_keeps_only_time_and_author(room: Channel, team: Team, seamark: Seamark) -> None:
    said = next(shown for shown in team.alice.sees(room) if "I am on it" in shown.text)
    team.alice.deletes(said)

    report = built(seamark)

    (gone,) = [entry for entry in report.timeline if entry.deleted_at is not None]
    assert (gone.text, report.name(gone.author), gone.evidence) == ("", "alice", ())
    assert "1 message was deleted; only the time and the author are left." in report.limitations
    assert "I am on it" not in report.model_dump_json()


def test_report_holds_nothing_of_other_incidents(room: Channel, team: Team, slack: Sandbox, seamark: Seamark) -> None:
    other = incident(slack, team, title="Payroll leak", private=True)
    team.alice.says("salaries were readable", other)
    dave = slack.person("dave")
    dave.joins(team.ops)

    text = built(seamark).model_dump_json()

    assert "salaries" not in text
    assert "Payroll" not in text
    assert dave.id not in text


def test_incident_without_a_retrospective_has_its_timeline(slack: Sandbox, team: Team, seamark: Seamark) -> None:
    incident(slack, team)

    report = built(seamark)

    assert (report.facilitator, report.sections, len(report.timeline)) == (None, (), 8)


def test_evidence_and_factors_point_into_the_timeline(room: Channel, team: Team, seamark: Seamark) -> None:
    team.alice.types("/incident evidence https://grafana.example/d/1 error rate", room)
    team.carol.clicks("Contributing factors", within=hub(team.carol, room))
    team.carol.form.clicks("Add a factor")
    line = team.carol.form.suggestions("Evidence", "roll back")
    team.carol.form.fill({"What contributed": "A", "Evidence": line, "Category": "Design"}).submit()
    team.carol.form.clicks("Add a factor")
    team.carol.form.fill({"What contributed": "B", "Because of": "A"}).submit()
    team.carol.form.clicks("Withdraw", nth=0)

    report = built(seamark)

    (factor,) = report.factors
    assert (factor.statement, factor.because_of) == ("B", None), "a cause that was withdrawn is not pointed at"
    links = [link.url for entry in report.timeline for link in entry.evidence]
    assert links == ["https://grafana.example/d/1"]
    team.carol.form.clicks("Bring back")
    first, second = built(seamark).factors
    assert (second.because_of, len(first.evidence_for), first.category and first.category.label) == (
        first.id,
        1,
        "Design",
    )
    assert set(first.evidence_for) <= {entry.id for entry in report.timeline}
