"""`seamark demo`: a published incident, played through a local Slack by its own people, to its end.

The bot is the real one, connected over Socket Mode; nobody here writes into its database. What people type is
in the first half their real talk, in the second what their own team published. Time is the story's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bot import app, durations, manifest, mrkdwn, stories
from bot.settings import Settings
from bot.stories import Line, Story
from sandbox import Channel, Person, Sandbox, Shown

REACTIONS = {
    "pushpin": None,
    "eyes": "detection",
    "bulb": "hypothesis",
    "hammer": "action",
    "chart": "data",
    "boom": "impact",
    "rocket": "change",
}
"""The emoji that mark in the demo's workspace, as a team might set them."""

FACILITATOR = stories.Somebody("facilitator", "Robin (facilitator)", "Europe/London")
"""Nobody of the talk: a facilitator is better not a responder."""


@dataclass
class Stage:
    """The local workspace with the story's people in it, and the bot connected."""

    slack: Sandbox
    seamark: app.Seamark
    story: Story
    people: Mapping[str, Person]
    room: Channel
    out: Path
    said: dict[datetime, Shown] = field(default_factory=dict)
    account: list[str] = field(default_factory=list)

    def tell(self, sentence: str) -> None:
        """Add a line to the account that stands at the end."""
        self.account.append(sentence)


def play(out: Path, *, incident: Path | None = None, talk: Path | None = None) -> int:
    """Play the story to its end, write its documents under `out`, say what happened; returns the exit status.

    `incident` and `talk` are another report and its Slack export. Raises `NoStory`.
    """
    shipped_report, shipped_talk, shipped_marks = stories.shipped()
    if incident is None:
        story = stories.read(shipped_report, talk or shipped_talk, None if talk else shipped_marks)
    else:
        story = stories.read(incident, talk)
    out.mkdir(parents=True, exist_ok=True)
    console = Console()
    console.print(f"[bold]{story.title}[/bold]\n{story.source} ({story.licence})\n", highlight=False)
    with _stage(story, out) as stage:
        _acts(stage, console)
        refused = stage.slack.violations
    console.print()
    for line in stage.account:
        console.print(line, highlight=False, markup=False)
    if refused:
        console.print("Slack would have refused:", *refused, sep="\n  ", markup=False)
    return 1 if refused else 0


def _acts(stage: Stage, console: Console) -> None:
    columns = (TextColumn("{task.description:<42}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    acts: list[tuple[str, Callable[[Stage, Callable[[], None]], None], int]] = [
        ("People respond, and mark what matters", respond, len(stage.story.lines)),
    ]
    with Progress(*columns, console=console) as progress:
        for name, act, steps in acts:
            task = progress.add_task(name, total=steps)
            act(stage, lambda task=task: progress.advance(task))  # type: ignore[misc]
            progress.update(task, completed=steps)


@contextmanager
def _stage(story: Story, out: Path) -> Iterator[Stage]:
    begin = min(story.lines[0].at, *story.milestones.values(), story.moments[0].at) - timedelta(minutes=30)
    with tempfile.TemporaryDirectory() as folder, Sandbox(manifest=manifest.load(), start=begin) as slack:
        slack.clock.freeze()
        cast = {**story.people, FACILITATOR.handle: FACILITATOR}
        people = {
            one.handle: slack.person(one.handle, real_name=one.name, tz=one.zone) for one in cast.values()
        }
        room = slack.channel(story.channel, members=list(people.values()), with_bot=True)
        seamark = app.create(
            Settings(
                bot_token=slack.bot_token,
                app_token=slack.app_token,
                slack_api_url=slack.api_url,
                database_url=f"sqlite:///{folder}/demo.db",
                mark_reactions=REACTIONS,
            ),
            clock=slack.clock.now,
        )
        try:
            seamark.connect()
            slack.wait_for_app()
            slack.after_each(seamark.courier.drain)
            yield Stage(slack, seamark, story, people, room, out)
            slack.after_each(None)
        finally:
            seamark.stop()


# --- the response ----------------------------------------------------------------------------------------


def respond(stage: Stage, step: Callable[[], None]) -> None:
    """The talk, minute by minute; somebody declares when it was detected; others mark what matters."""
    story = stage.story
    detected = story.milestones.get("detected") or story.lines[0].at
    told = [moment for moment in story.moments if moment.line is None]
    todo = sorted(story.milestones.items(), key=lambda pair: pair[1])
    lead: Person | None = None
    for line in story.lines:
        stage.slack.clock.set(line.at)
        if lead is None and line.who and line.at >= detected:
            lead = stage.people[line.who]
            _declare(stage, lead)
        if lead is not None:
            _reached(stage, lead, todo)
            told = _mark_told(stage, lead, told)
        _say(stage, line)
        step()
    if lead is None:
        raise stories.NoStory("Nobody says anything in that talk after it was detected; nothing was played.")
    last = max([story.lines[-1].at, *(moment.at for moment in told), *(at for _, at in todo)], default=story.lines[-1].at)
    stage.slack.clock.set(last + timedelta(minutes=1))
    _reached(stage, lead, todo)
    _mark_told(stage, lead, told)
    lead.types("/incident close", stage.room)
    _tell_response(stage)


def _declare(stage: Stage, lead: Person) -> None:
    lead.types(f"/incident declare {stage.story.title}"[:200], stage.room)
    lead.form.fill({"Severity": "SEV2", "Where": "This channel"}).submit()
    stage.tell(f"{lead.real_name} declared the incident in #{stage.room.name}.")


def _reached(stage: Stage, lead: Person, todo: list[tuple[str, datetime]]) -> None:
    """Set the milestones whose time has come, with the time they had."""
    while todo and todo[0][1] <= stage.slack.clock.now():
        kind, at = todo.pop(0)
        if kind in {"started", "detected", "acknowledged", "mitigated", "resolved"}:
            lead.types(f"/incident {kind} {_typed(at)}", stage.room)


def _typed(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}Z"


def _mark_told(stage: Stage, lead: Person, told: list[stories.Moment]) -> list[stories.Moment]:
    """Mark what the report tells and nobody said in the channel; returns what is still to come."""
    now = stage.slack.clock.now()
    for moment in told:
        if moment.at <= now:
            text = " ".join(mrkdwn.plain(moment.text, {}).replace("**", "").split())
            lead.types(f"/incident mark {_typed(moment.at)} {text}", stage.room)
    return [moment for moment in told if moment.at > now]


def _say(stage: Stage, line: Line) -> None:
    if line.app:
        stage.slack.app_says(line.app, line.text, stage.room)
        return
    shown = stage.said[line.at] = stage.people[line.who].says(line.text, stage.room)
    emoji = stage.story.marks.get(line.at)
    if emoji:
        others = (person for handle, person in stage.people.items() if handle not in {line.who, FACILITATOR.handle})
        next(others, stage.people[line.who]).reacts(shown, emoji)


def _tell_response(stage: Stage) -> None:
    lasted = durations.between(stage.story.milestones).resolve
    stage.tell(f"{len(stage.story.lines)} messages were said and remembered, {len(stage.story.marks)} of them marked.")
    stage.tell(f"From started to resolved: {lasted.words}.")
