"""How much of a published report is in the draft before anybody has edited it.

The real talk of an incident's channel is captured message by message, as the bot does it, with nobody marking
anything; the draft made of that is held against the report that the same team wrote afterwards. Printed are the
report's timeline lines, each with the line of the draft that tells it and how far apart they are, and the
milestones. Milestones are somebody's word: they are set at the message where somebody in the talk could have done
so, which stands, like what tells what, in `drafts.json`, chosen by hand. A line counts only when the draft has that
message whole, with its author and time.

    python -m benchmarks.drafts [--talk DIR] [REPORT.json …]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from sqlmodel import Session

from bot import capture, documents, incidents, milestones, mrkdwn, reports, stories
from bot.capture import Said
from bot.incidents import Declaration
from bot.report import Entry, Report
from bot.reports import Books
from bot.stories import Line, Story
from storage import migrate, people
from storage.db import Database
from storage.models import Incident, MilestoneKind, Person

HERE = Path(__file__).parent
TEAM, CHANNEL = "T1", "C1"


@dataclass(frozen=True)
class Outcome:
    """One story: how many of the report's lines the talk tells, and how many of those the draft has."""

    lines: int
    told: int
    kept: int
    apart: Mapping[str, float]


def main() -> int:
    arguments = _arguments()
    labels = json.loads((HERE / "drafts.json").read_text(encoding="utf-8"))
    outcomes = []
    for path in arguments.report or [arguments.talk.parent / name for name in labels if name.endswith(".json")]:
        story = stories.read(path, arguments.talk)
        report = _draft(story, labels[path.name]["milestones"])
        outcomes.append(_compare(story, report, labels[path.name]))
    lines, told, kept = (sum(getattr(one, name) for one in outcomes) for name in ("lines", "told", "kept"))
    apart = [abs(minutes) for one in outcomes for minutes in one.apart.values()]
    print(f"\nMilestones: {len(apart)}, apart by {median(apart):.0f} min (median), {max(apart):.0f} min at most.")
    print(f"All: of {lines} lines of the reports, the talk tells {told}; the drafts hold {kept} of them unedited.")
    return 0 if kept == told else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Drafts of real talks, held against the published reports.")
    parser.add_argument("report", nargs="*", type=Path, help="published reports, as in stories/")
    parser.add_argument("--talk", type=Path, default=stories.shipped()[1], help="a Slack export of the channel")
    return parser.parse_args()


def _ts(at: datetime) -> str:
    return f"{at.timestamp():.6f}"


def _draft(story: Story, chosen: Mapping[str, str]) -> Report:
    """The draft of a new database in which the talk was captured, and the milestones were set while it went on."""
    with TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{folder}/drafts.db")
        migrate.upgrade(db)
        with db.transaction() as session:
            incident = _listen(session, story)
            _set(session, incident, story, chosen)
            books = Books.load(None)
            report = reports.build(session, incident, books)
        db.close()
    return report


def _listen(session: Session, story: Story) -> Incident:
    first = story.lines[0].at
    for handle, person in story.people.items():
        row = Person(team_id=TEAM, user_id=_id(handle), name=handle, zone=person.zone, refreshed_at=first)
        people.remember_person(session, row)
    by = _id(next(line.who for line in story.lines if line.who))
    incident, _ = incidents.declare(
        session,
        Declaration(story.title, own_channel=False),
        team_id=TEAM,
        by=by,
        channel_id=CHANNEL,
        source_key="story",
        now=first - timedelta(seconds=1),
    )
    for line in story.lines:
        said = Said(
            TEAM,
            CHANNEL,
            _ts(line.at),
            mrkdwn.escape(line.text),
            author_id=_id(line.who) if line.who else None,
            app_name=line.app or None,
        )
        capture.said(session, said, now=line.at)
    return incident


def _id(handle: str) -> str:
    return "U" + "".join(char for char in handle.upper() if char.isalnum())


def _set(session: Session, incident: Incident, story: Story, chosen: Mapping[str, str]) -> None:
    by_ts = {_ts(line.at): line for line in story.lines}
    for kind, ts in chosen.items():
        line = by_ts[ts]
        milestones.set_milestone(
            session,
            incident,
            MilestoneKind(kind),
            at=line.at,
            note="",
            by=_id(line.who),
            source_key=f"story:{kind}",
            now=line.at,
        )


def _compare(story: Story, report: Report, labels: Mapping[str, Any]) -> Outcome:
    print(f"\n{story.title}\n{story.source}")
    by_ts = {_ts(line.at): line for line in story.lines}
    rendered = documents.render(report, "csv")
    kept = 0
    for item, ts in zip(story.report["timeline"], labels["lines"], strict=True):
        at = datetime.fromisoformat(item["at"]).astimezone(UTC)
        words = " ".join(str(item["text"]).split())[:90]
        found = _entry(report, by_ts[ts]) if ts else None
        if found is None:
            print(f"  -         {at:%H:%M} {words}" + ("   LOST" if ts else "   (nobody says it in the channel)"))
            continue
        kept += found.text.split("\n")[0][:40].strip() in rendered
        print(f"  {_minutes(found.at, at):>+5.0f} min {at:%H:%M} {words}")
        print(f"              = {' '.join(found.text.split())[:80]}")
    told = sum(ts is not None for ts in labels["lines"])
    print(f"  In the draft before anybody edits it: {kept} of {told} that the talk tells, of {len(labels['lines'])};")
    print(f"  the draft has {len(report.timeline)} lines in all. Times are UTC.")
    return Outcome(len(labels["lines"]), told, kept, _milestones(story, report))


def _entry(report: Report, line: Line) -> Entry | None:
    """The draft's line for a message: same moment, same author, every word."""
    who = line.app or line.who
    return next(
        (
            entry
            for entry in report.timeline
            if entry.at == line.at and (entry.app or report.name(entry.author)) == who and entry.text == line.text
        ),
        None,
    )


def _minutes(one: datetime, other: datetime) -> float:
    return (one - other).total_seconds() / 60


def _milestones(story: Story, report: Report) -> dict[str, float]:
    apart = {}
    reached = {milestone.kind: milestone.at for milestone in report.milestones}
    for kind in MilestoneKind:
        published, drafted = story.milestones.get(kind), reached.get(kind.value)
        if published is not None and drafted is not None:
            apart[kind.value] = _minutes(drafted, published)
            print(f"  {kind.value:<13} {drafted:%H:%M}, published {published:%H:%M}: {apart[kind.value]:+.0f} min")
        else:
            print(f"  {kind.value:<13} " + ("not in the report" if published is None else "not in the draft"))
    return apart


if __name__ == "__main__":
    sys.exit(main())
