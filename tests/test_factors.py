"""Contributing factors, typed and chosen in their step by several people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import audit, factors, taxonomy
from bot.app import Seamark
from bot.errors import FieldRefusal
from bot.factors import Draft
from sandbox import Channel, Dialog, Person, Sandbox
from sandbox.mrkdwn import pings_of_blocks
from storage import audit as trail
from storage import factors as rows
from storage.db import Database
from storage.models import Factor, Retrospective
from tests.conftest import Team
from tests.retro_story import begin, hub, incident

STATEMENT = "The deploy check does not load the secrets that production loads."
TITLE = "Contributing factors"


@pytest.fixture
def room(slack: Sandbox, team: Team, seamark: Seamark) -> Channel:
    room = incident(slack, team)
    begin(team.carol, room)
    return room


def opens(person: Person, room: Channel) -> Dialog:
    person.clicks(TITLE, within=hub(person, room))
    return person.form


def adds(person: Person, **fields: object) -> Dialog:
    """Add a factor in the step that is open; the dialog then shown."""
    person.form.clicks("Add a factor")
    person.form.fill({"What contributed": STATEMENT, **fields}).submit()
    return person.form


def standing(db: Database) -> list[Factor]:
    with db.reading() as session:
        return rows.of_retrospective(session, 1)


def drafts(db: Database) -> list[Draft]:
    with db.reading() as session:
        return [factors.draft_of(session, factor) for factor in rows.of_retrospective(session, 1)]


def test_factor_is_added_with_what_was_chosen(room: Channel, team: Team, db: Database) -> None:
    opens(team.carol, room).clicks("Add a factor")
    form = team.carol.form

    assert form.title == "Add a factor"
    assert form.labels == [
        "What contributed",
        "Category",
        "Domain",
        "Level",
        "Evidence",
        "Evidence against",
        "Confidence",
        "Because of",
        "Another view",
        "Assumptions",
    ]
    decision = form.suggestions("Evidence", "roll v41")[0]
    impact = form.suggestions("Evidence against", "half bob")[0]
    assert decision == "15:12 🧭 alice: roll back to v41"
    form.fill(
        {
            "What contributed": STATEMENT,
            "Category": "Test gap",
            "Domain": "Process",
            "Level": "Systemic",
            "Evidence": [decision],
            "Evidence against": [impact],
            "Confidence": "Supported",
            "Another view": "Bob thinks it was the cache.",
            "Assumptions": "The check ran at all.",
        }
    ).submit()

    assert team.carol.form.title == TITLE
    shown = team.carol.form.text
    assert STATEMENT in shown
    assert "Condition · Test gap · Process · Systemic · Supported · evidence 1 for, 1 against" in shown
    (draft,) = drafts(db)
    assert (draft.domain, draft.level, draft.role, draft.category, draft.confidence) == (
        "process",
        "systemic",
        "condition",
        "test_gap",
        "supported",
    )
    assert (len(draft.evidence), len(draft.against), draft.assumptions) == (1, 1, "The check ran at all.")


def test_factor_submitted_twice_is_one(room: Channel, team: Team, db: Database) -> None:
    opens(team.carol, room).clicks("Add a factor")

    team.carol.form.fill({"What contributed": STATEMENT}).submit(times=2)

    assert [factor.statement for factor in standing(db)] == [STATEMENT]


def test_evidence_offers_only_lines_of_this_incident(room: Channel, team: Team, slack: Sandbox) -> None:
    other = incident(slack, team, title="Search is slow")
    team.bob.says("something secret of the other incident", other)
    opens(team.carol, room).clicks("Add a factor")

    offered = team.carol.form.suggestions("Evidence", "")

    assert [line for line in offered if "secret" in line] == []
    assert team.carol.form.suggestions("Evidence", "no such words") == []
    assert any("I am on it" in line for line in offered)


def test_the_same_line_cannot_speak_for_and_against(room: Channel, team: Team, db: Database) -> None:
    opens(team.carol, room).clicks("Add a factor")
    line = team.carol.form.suggestions("Evidence", "roll back")

    refused = team.carol.form.fill({"What contributed": STATEMENT, "Evidence": line, "Evidence against": line}).submit()

    assert refused is not None
    assert refused.errors == {
        "Evidence against": "The same line cannot speak for it and against it; leave it on one side."
    }
    assert standing(db) == []


def test_circle_of_causes_is_refused_at_the_field(room: Channel, team: Team, db: Database) -> None:
    opens(team.carol, room)
    adds(team.carol, **{"What contributed": "First condition of it"})
    adds(team.carol, **{"What contributed": "Second condition of it", "Because of": "First condition of it"})
    first, second = standing(db)

    team.carol.form.clicks("Edit")
    assert "Second condition of it" not in str(team.carol.form.blocks), "a circle is not even offered"
    with db.transaction() as session:
        retro_row = session.get(Retrospective, 1)
        draft = factors.draft_of(session, first)
        assert retro_row is not None
        with pytest.raises(FieldRefusal) as refusal:
            factors.change(
                session,
                first.id,
                Draft(**{**draft.__dict__, "because_of": second.id}),
                based_on=1,
                retrospective=retro_row,
                taxonomy=factors_taxonomy(),
                by=team.carol.id,
                now=first.created_at,
            )
    assert refusal.value.fields == {
        "because_of": "That would close a circle: the factor you chose comes about because of this one."
    }


def factors_taxonomy() -> taxonomy.Taxonomy:
    return taxonomy.load()


def test_two_editors_both_keep_their_words(room: Channel, team: Team, db: Database) -> None:
    opens(team.carol, room)
    adds(team.carol)
    opens(team.alice, room).clicks("Edit")
    team.carol.form.clicks("Edit")

    team.alice.form.fill({"What contributed": "Alice's words about it", "Domain": "Data"}).submit()
    told = team.carol.form.fill({"What contributed": "Carol's words about it", "Level": "Systemic"}).submit()

    assert told is not None
    assert "alice changed it while you were writing." in told.text
    assert "What contributed: Alice's words about it" in told.text.replace("*", "")
    (draft,) = drafts(db)
    assert (draft.statement, draft.another_view) == ("Carol's words about it", "Alice's words about it")
    assert (draft.domain, draft.level) == ("data", "systemic")
    with db.reading() as session:
        kept = [one.body["statement"] for one in rows.revisions(session, standing(db)[0].id)]
    assert kept == [STATEMENT, "Alice's words about it", "Carol's words about it"]


def test_wording_help_comes_after_saving_and_is_said_once(room: Channel, team: Team, db: Database) -> None:
    opens(team.carol, room)

    told = adds(team.carol, **{"What contributed": "Alice should have tested the deploy."})

    assert told.title == "Edit factor"
    assert "The factor is saved." in told.text
    assert "should have" in told.text
    assert "Keep as written" in told.buttons
    again = told.submit()
    assert again is not None
    assert again.title == TITLE
    assert [(factor.statement, factor.version) for factor in standing(db)] == [
        ("Alice should have tested the deploy.", 1)
    ]


def test_keep_as_written_leaves_it(room: Channel, team: Team, db: Database) -> None:
    opens(team.carol, room)

    adds(team.carol, **{"What contributed": "Alice should have tested the deploy."}).clicks("Keep as written")

    assert "stays as you wrote it" in team.carol.form.text
    assert team.carol.form.close().title == TITLE  # type: ignore[union-attr]
    assert len(standing(db)) == 1


def test_withdrawn_factor_can_be_brought_back(room: Channel, team: Team, db: Database) -> None:
    opens(team.carol, room)
    adds(team.carol)

    team.carol.form.clicks("Withdraw")
    assert f"Withdrawn: {STATEMENT}" in team.carol.form.text.replace("_", "")
    assert standing(db) == []

    team.carol.form.clicks("Bring back")
    assert [(one.statement, one.version) for one in standing(db)] == [(STATEMENT, 3)]


def test_sixty_factors_are_paged(room: Channel, team: Team, db: Database) -> None:
    with db.transaction() as session:
        retro_row = session.get(Retrospective, 1)
        assert retro_row is not None
        for number in range(60):
            factors.add(
                session,
                retro_row,
                Draft(f"Condition {number:02}" + " ملاحظة 🔥 <!channel>" * 100),
                taxonomy=factors_taxonomy(),
                by=team.carol.id,
                source_key=f"test:{number}",
                now=retro_row.started_at,
            )

    form = opens(team.carol, room)
    assert "1 to 10 of 60" in form.text
    for _ in range(5):
        form.clicks("More factors")
    assert "51 to 60 of 60" in form.text
    assert pings_of_blocks(form.blocks) == set()
    form.clicks("Add a factor")
    team.carol.form.fill(
        {"What contributed": "The sixty-first", "Because of": optional_cause(team.carol.form)}
    ).submit()
    assert len(standing(db)) == 61


def optional_cause(form: Dialog) -> str:
    field = next(block for block in form.blocks if block.get("block_id") == "because_of")
    return str(field["element"]["options"][-1]["text"]["text"])


def test_long_texts_come_back_whole(room: Channel, team: Team, db: Database) -> None:
    opens(team.carol, room)
    text = "word " * 580
    adds(team.carol, **{"Another view": text, "Assumptions": text})
    for number in range(3):
        team.carol.form.clicks("Edit")
        names = [label for label in team.carol.form.labels if label.startswith("Assumptions")]
        team.carol.form.fill({names[-1]: f"more {number} " * 350}).submit()

    (draft,) = drafts(db)
    assert len(draft.assumptions) > 6000
    assert draft.another_view == text


def test_who_does_not_take_part_changes_nothing(room: Channel, team: Team, slack: Sandbox, db: Database) -> None:
    dave = slack.person("dave")
    dave.joins(room)
    dave.clicks(TITLE, within=hub(dave, room))

    assert dave.form.buttons == ["Join"]


def test_every_change_is_in_the_audit_trail(room: Channel, team: Team, slack: Sandbox, db: Database) -> None:
    opens(team.carol, room)
    adds(team.carol)
    team.carol.form.clicks("Withdraw")

    with db.reading() as session:
        told = [(one.what, one.detail) for one in trail.about(session, slack.team_id, "factor:1")]
        assert audit.faults(session) == []
    assert told == [("added", {"version": 1}), ("withdrawn", {"version": 2})]


@given(
    st.tuples(*[st.sampled_from(["", "a", "b", "c"])] * 3),
    st.tuples(*[st.sets(st.integers(1, 4)).map(lambda found: tuple(sorted(found)))] * 3),
)
def test_merge_loses_no_words(texts: tuple[str, str, str], evidence: tuple[tuple[int, ...], ...]) -> None:
    base, current, mine = (
        Draft(f"statement {text}", assumptions=text, evidence=lines)
        for text, lines in zip(texts, evidence, strict=True)
    )

    merged, meanwhile = factors.merge(base, current, mine)

    everything = f"{merged.statement}\n{merged.another_view}\n{merged.assumptions}"
    for changed in (current, mine):
        for name in ("statement", "assumptions"):
            if getattr(changed, name) != getattr(base, name):
                assert getattr(changed, name) in everything
    assert set(merged.evidence) >= (set(mine.evidence) | set(current.evidence)) - set(base.evidence)
    assert bool(meanwhile) == any(
        len({getattr(one, name) for one in (base, current, mine)}) == 3 for name in ("statement", "assumptions")
    )
