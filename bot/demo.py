"""`seamark demo`: a published incident, played through a local Slack by its own people, to its end.

The bot is the real one, connected over Socket Mode; nobody here writes into its database. What people type is
in the first half their real talk, in the second what their own team published. Time is the story's.
"""

from __future__ import annotations

import re
import tempfile
import threading
import webbrowser
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bot import demo_bot, demo_keeping, durations, guides, manifest, mrkdwn, stories
from bot.demo_bot import Bot
from bot.demo_keeping import Kept
from bot.errors import Refusal
from bot.guides import Guide, Step
from bot.policy import add_working_days
from bot.settings import Settings
from bot.stories import Line, Story
from sandbox import Channel, Person, Sandbox, Shown

REACTIONS = {
    "pushpin": None,
    "eyes": "detection",
    "bulb": "hypothesis",
    "hammer": "action",
    "bar_chart": "data",
    "boom": "impact",
    "rocket": "change",
}
"""The emoji that mark in the demo's workspace, as a team might set them."""

FACILITATOR = stories.Somebody("robin", "Robin", "America/Los_Angeles")
"""Nobody of the talk: a facilitator is better not a responder."""


DAYS = 25
"""Working days that the story goes on after it was published."""


OVER = """The story is over: the workspace is yours.
Try first: act as somebody else, type /incident status, open Seamark's Home, move the clock by +3 days."""


class PortTaken(Refusal):
    """That port is taken, so there is no page; name another with --port."""


@dataclass
class Stage:
    """The local workspace with the story's people in it, and the bot connected."""

    slack: Sandbox
    bot: Bot
    guide: Guide
    story: Story
    people: Mapping[str, Person]
    room: Channel
    out: Path
    said: dict[datetime, Shown] = field(default_factory=dict)
    account: list[str] = field(default_factory=list)

    def tell(self, sentence: str) -> None:
        """Add a line to the account that stands at the end; the page shows it now."""
        self.account.append(sentence)
        self.show(sentence)

    def show(self, sentence: str, person: Person | None = None, seconds: float = 3) -> None:
        """Say on the page what goes on, and let people read; headless this returns at once."""
        self.slack.story.say(sentence, person=person, channel=self.room)
        self.slack.story.wait(seconds)

    def at(self, moment: datetime) -> None:
        """Go on to this moment of the story."""
        self.slack.clock.set(moment)


@dataclass(frozen=True)
class Page:
    """How the local workspace is shown: at which port (0: any free one), and whether a browser is opened on it."""

    port: int = 0
    opens: bool = True


def play(
    out: Path,
    *,
    incident: Path | None = None,
    talk: Path | None = None,
    page: Page | None = None,
    keep: Path | None = None,
) -> int:
    """Play the story to its end, write its documents under `out`, say what happened; returns the exit status.

    `incident` and `talk` are another report and its Slack export; with a `page` the workspace is the visitor's
    afterwards, until Ctrl-C. `keep` is a file for the workspace and the database, which are thrown away otherwise;
    where it is there already, they go on and nothing is played. Raises `NoStory`, `NotKept` and `CannotBeKept`.
    """
    if keep is not None:
        demo_keeping.check_place(keep)
        if keep.exists():
            return _go_on_with(keep, incident, page)
    shipped_report, shipped_talk, shipped_marks = stories.shipped()
    if incident is None:
        story = stories.read(shipped_report, talk or shipped_talk, None if talk else shipped_marks)
    else:
        story = stories.read(incident, talk)
    out.mkdir(parents=True, exist_ok=True)
    console = Console(soft_wrap=True)
    console.print(f"[bold]{story.title}[/bold]\n{story.source} ({story.licence})\n", highlight=False)
    with _stage(story, out, page, keep) as stage:
        if page is not None:
            _show_page(stage.slack, page, keep, console)
            stage.slack.story.wait_for_viewer(30)
        _acts(stage, console)
        refused = list(stage.slack.violations)
        _tell_account(stage, refused, console)
        if page is not None:
            _leave_to_visitor(stage.slack, OVER, console)
    return 1 if refused else 0


def _go_on_with(keep: Path, incident: Path | None, page: Page | None) -> int:
    """The visitor's workspace of another day; nothing is played."""
    if incident is not None:
        raise demo_keeping.NotKept(
            f"{keep} holds a workspace already, so no incident is played; name a new file, or leave --incident away."
        )
    kept = demo_keeping.read(keep)
    console = Console(soft_wrap=True)
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder, "demo.db")
        demo_keeping.unpack(keep, kept, database)
        with _again(keep, kept) as slack, _bot(slack, database, page, keep) as bot:
            words = f"This is the workspace of {keep}, at {slack.clock.now():%A, %d %B %Y, %H:%M} UTC."
            if page is not None:
                _show_page(slack, page, keep, console)
                _leave_to_visitor(slack, words, console)
            else:
                bot.tick()
                slack.settle()
                console.print(words, highlight=False)
            return 1 if slack.violations else 0


def _again(keep: Path, kept: Kept) -> Sandbox:
    try:
        return Sandbox(manifest=manifest.load(), kept=kept.workspace)
    except ValueError as error:
        raise demo_keeping.not_kept(keep, "its workspace is damaged, or another version's") from error


def _show_page(slack: Sandbox, page: Page, keep: Path | None, console: Console) -> None:
    try:
        url = slack.serve_page(page.port)
    except OSError as error:
        raise PortTaken(f"Port {page.port} is taken, so there is no page; name another with --port.") from error
    becomes = f"keeps it in {keep}" if keep else "throws it away"
    console.print(f"The workspace is at {url} (Ctrl-C ends it and {becomes}).\n", highlight=False)
    if page.opens:
        webbrowser.open(url)


def _leave_to_visitor(slack: Sandbox, words: str, console: Console) -> None:
    slack.story.done(words)
    console.print(f"\n{words} Ctrl-C ends it.", highlight=False)
    with suppress(KeyboardInterrupt):
        threading.Event().wait()


def _tell_account(stage: Stage, refused: list[str], console: Console) -> None:
    console.print()
    for line in stage.account:
        console.print(line, highlight=False, markup=False)
    if refused:
        console.print("Slack would have refused:", *refused, sep="\n  ", markup=False)


def _acts(stage: Stage, console: Console) -> None:
    columns = (TextColumn("{task.description:<42}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    acts: list[tuple[str, Callable[[Stage, Callable[[], None]], None], int]] = [
        ("People respond, and mark what matters", respond, len(stage.story.lines)),
        ("They look back, step by step", reflect, 2 + len(stage.guide.steps)),
        ("The retrospective is published", publish, 2),
        ("Days pass, owners are reminded", follow_through, DAYS),
    ]
    with Progress(*columns, console=console) as progress:
        for name, act, steps in acts:
            task = progress.add_task(name, total=steps)
            act(stage, partial(progress.advance, task))
            progress.update(task, completed=steps)


@contextmanager
def _stage(story: Story, out: Path, page: Page | None, keep: Path | None) -> Iterator[Stage]:
    begin = min(story.lines[0].at, *story.milestones.values(), story.moments[0].at) - timedelta(minutes=30)
    with tempfile.TemporaryDirectory() as folder, Sandbox(manifest=manifest.load(), start=begin) as slack:
        if page is None:
            slack.clock.freeze()
        cast = {**story.people, FACILITATOR.handle: FACILITATOR}
        people = {
            one.handle: slack.person(one.handle, real_name=one.name, display_name=one.name, tz=one.zone)
            for one in cast.values()
        }
        room = slack.channel(story.channel, members=list(people.values()), with_bot=True)
        with _bot(slack, Path(folder, "demo.db"), page, keep) as bot:
            yield Stage(slack, bot, guides.load()["standard"], story, people, room, out)


@contextmanager
def _bot(slack: Sandbox, database: Path, page: Page | None, keep: Path | None) -> Iterator[Bot]:
    """The bot, connected; when it has ended, all is kept in `keep`: after Ctrl-C, too, but not after a fault."""
    settings = Settings(
        bot_token=slack.bot_token,
        app_token=slack.app_token,
        slack_api_url=slack.api_url,
        database_url=f"sqlite:///{database}",
        mark_reactions=REACTIONS,
    )
    stopped: KeyboardInterrupt | None = None
    with (demo_bot.inside if page is None else demo_bot.beside)(settings, slack) as bot:
        try:
            yield bot
        except KeyboardInterrupt as interrupt:
            stopped = interrupt
    if keep is not None:
        demo_keeping.write(keep, slack.keep(), database)
    if stopped is not None:
        raise stopped


# --- the response ----------------------------------------------------------------------------------------


def respond(stage: Stage, step: Callable[[], None]) -> None:
    """The talk, minute by minute; somebody declares when it was detected; others mark what matters."""
    story = stage.story
    detected = story.milestones.get("detected") or story.lines[0].at
    told = [moment for moment in story.moments if moment.line is None]
    todo = sorted(story.milestones.items(), key=lambda pair: pair[1])
    lead: Person | None = None
    for line in story.lines:
        stage.at(line.at)
        if lead is None and line.who and line.at >= detected:
            lead = stage.people[line.who]
            _declare(stage, lead)
        if lead is not None:
            _reached(stage, lead, todo)
            told = _mark_told(stage, lead, told)
        _say(stage, line)
        stage.slack.story.wait(0.4)
        step()
    if lead is None:
        raise stories.NoStory("Nobody says anything in that talk after it was detected; nothing was played.")
    last = max(
        [story.lines[-1].at, *(moment.at for moment in told), *(at for _, at in todo)], default=story.lines[-1].at
    )
    stage.at(last + timedelta(minutes=1))
    _reached(stage, lead, todo)
    _mark_told(stage, lead, told)
    lead.types("/incident close", stage.room)
    _tell_response(stage)


def _declare(stage: Stage, lead: Person) -> None:
    lead.types(f"/incident declare {stage.story.title}"[:200], stage.room)
    declared = lead.form.fill({"Severity": "SEV2", "Where": "This channel"}).submit()
    if declared is not None:
        declared.close()
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


# --- the retrospective -----------------------------------------------------------------------------------

SAYS_SOMETHING = 40
"""Characters of a message from which on it is more than a word in passing."""

ANSWERS = {
    ("scope", "summary"): "summary",
    ("scope", "impact"): "impact",
    ("milestones", "first_signal"): "detection",
    ("milestones", "longest"): "resolution",
    ("learning", "helped"): "went_well",
    ("learning", "hard"): "went_wrong",
    ("learning", "went_our_way"): "lucky",
}
"""Which of the guide's questions is answered with what part of the published report."""


def reflect(stage: Stage, step: Callable[[], None]) -> None:
    """The next morning: the retrospective begun, accounts given, every step walked through with the report's words."""
    facilitator = stage.people[FACILITATOR.handle]
    _next_morning(stage, facilitator)
    facilitator.types("/retro start", stage.room)
    begun = facilitator.form.submit()
    if begun is not None:
        begun.close()
    step()
    asked = [person for person in stage.people.values() if _button_in_messages(person, "Give my account")]
    for person in asked:
        _give_account(stage, person)
    stage.tell(f"{FACILITATOR.name} started the retrospective; {len(asked)} people were asked and gave their account.")
    step()
    facilitator.clicks("Scope and impact", within=_hub(stage))
    guide = stage.guide
    for number, _ in enumerate(guide.steps):
        current = guide.steps[number]
        if facilitator.form.title != current.title:
            raise RuntimeError(f"the step {current.title} was to come, not {facilitator.form.title}")
        _fill(stage, facilitator, current)
        step()
        if number + 1 < len(guide.steps):
            _go_on(facilitator)
    facilitator.form.close()


def _next_morning(stage: Stage, person: Person, *, days: int = 1) -> None:
    """Ten o'clock in that person's zone, at least `days` working days later."""
    local = stage.slack.clock.now().astimezone(ZoneInfo(person.tz))
    day = add_working_days(local.date(), days)
    stage.at(datetime.combine(day, time(10), local.tzinfo).astimezone(UTC))


def _hub(stage: Stage) -> Shown:
    facilitator = stage.people[FACILITATOR.handle]
    return next(shown for shown in reversed(facilitator.sees(stage.room)) if "Scope and impact" in shown.buttons)


def _button_in_messages(person: Person, label: str) -> Shown | None:
    """The latest direct message of the bot's to a person with that button."""
    return next((shown for shown in reversed(person.direct_messages()) if label in shown.buttons), None)


def _give_account(stage: Stage, person: Person) -> None:
    """Their own words, as they said them while it happened."""
    message = _button_in_messages(person, "Give my account")
    if message is None:
        return
    own = [line.text for line in stage.story.lines if line.who == person.name and len(line.text) > SAYS_SOMETHING][:8]
    person.clicks("Give my account", within=message)
    accounts = next(step for step in stage.guide.steps if step.kind == "accounts")
    label = next(prompt.label for prompt in accounts.prompts if prompt.key == "thinking")
    person.form.fill({label: "\n".join(own)}).submit()
    _settle(person)


def _settle(person: Person, until: str = "") -> None:
    """Go past what a dialog says back, to the one titled `until`: the words stay as they were published."""
    while person.dialog is not None and person.form.title != until:
        if "Keep as written" in person.form.buttons:
            person.form.clicks("Keep as written")
        else:
            person.form.close()


def _fill(stage: Stage, person: Person, current: Step) -> None:
    """Answer a step with what the team published."""
    for prompt in current.prompts:
        texts = stage.story.texts(ANSWERS.get((current.key, prompt.key), ""))
        if texts:
            person.form.fill({prompt.label: "\n".join(texts)[:3000]})
    if current.kind == "factors":
        for text in stage.story.texts("root_causes"):
            _add_factor(person, text, current.title)
    if current.kind == "actions":
        for number, text in enumerate(stage.story.texts("actions")):
            _add_action(stage, person, text, number, current.title)


def _add_factor(person: Person, text: str, step_title: str) -> None:
    person.form.clicks("Add a factor")
    words = sorted(re.findall(r"[a-z-]{6,}", text.lower()), key=len, reverse=True)
    evidence = next((found[0] for word in words[:8] if (found := person.form.suggestions("Evidence", word))), None)
    person.form.fill({"What contributed": text[:3000], **({"Evidence": [evidence]} if evidence else {})}).submit()
    _settle(person, step_title)


def _add_action(stage: Stage, person: Person, text: str, number: int, step_title: str) -> None:
    """The report names no owner: those who spoke most take the actions in turn."""
    spoke = Counter(line.who for line in stage.story.lines if line.who).most_common()
    owner = stage.people[spoke[number % len(spoke)][0]]
    person.form.clicks("Add an action")
    person.form.fill({"What will be done": text[:3000], "Owner": owner}).submit()
    _settle(person, step_title)


def _go_on(person: Person) -> None:
    """To the next step, past what the dialog has to say first, and past the help with wording."""
    title = person.form.title
    person.form.submit()
    if person.form.title == title:
        person.form.submit()
    while person.dialog is not None and "Keep as written" in person.form.buttons:
        person.form.clicks("Keep as written")


# --- published, and done ---------------------------------------------------------------------------------


def publish(stage: Stage, step: Callable[[], None]) -> None:
    """The document published, and written under `out`."""
    facilitator = stage.people[FACILITATOR.handle]
    reply = facilitator.types("/retro publish", stage.room)
    if "Publish all the same" in reply.buttons:
        facilitator.clicks("Publish all the same", within=reply)
    step()
    for form in ("json", "csv"):
        facilitator.types(f"/retro export {form}", stage.room)
    step()
    for shown in [*facilitator.sees(stage.room), *facilitator.direct_messages()]:
        for file in shown.files:
            (stage.out / file["name"]).write_bytes(facilitator.read_file(file))
            stage.tell(f"Document: {stage.out / file['name']}")


def follow_through(stage: Stage, step: Callable[[], None]) -> None:
    """Days pass; owners are nudged; each says how it was checked, and somebody else confirms."""
    owners = [person for handle, person in stage.people.items() if handle != FACILITATOR.handle]
    facilitator = stage.people[FACILITATOR.handle]
    for _ in range(DAYS):
        _next_morning(stage, owners[0])
        stage.bot.tick()
        stage.slack.settle()
        for owner in owners:
            message = _button_in_messages(owner, "Done")
            if message is not None:
                _done(stage, owner, message)
        confirm = _button_in_messages(facilitator, "Confirm")
        if confirm is not None:
            facilitator.clicks("Confirm", within=confirm)
            stage.tell(f"{_day(stage, facilitator)} {facilitator.real_name} confirmed it.")
        step()


def _day(stage: Stage, person: Person) -> str:
    return f"{stage.slack.clock.now().astimezone(ZoneInfo(person.tz)):%a %d %b %Y, %H:%M}"


def _done(stage: Stage, owner: Person, message: Shown) -> None:
    what = next((line.replace("*", "") for line in message.text.splitlines() if line.startswith("*ACT-")), "")
    stage.tell(f"{_day(stage, owner)} {owner.real_name} was reminded: {what}")
    owner.clicks("Done", within=message)
    checked = "Looked at it after the next run."
    owner.form.fill({"How was it checked?": checked}).submit()
    _settle(owner)
    stage.tell(f"{_day(stage, owner)} {owner.real_name} said it is done: {checked}")
