"""Marks: typed, by dialog, by message shortcut, many at once; corrected and taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.models.views import View
from sqlmodel import Session

from bot import capture, evidence, incidents, moments, mrkdwn, people, timeline
from bot.errors import Refusal
from bot.kinds import Kind
from bot.messages import is_own, said_of
from handlers import dialogs, zones
from handlers.capture import get_to_know, tell_mark
from handlers.courier import Clock
from handlers.history import put_fetch_past
from handlers.incident_base import answer, incident, place_of, refresh, seen_by, when, whisper
from handlers.payloads import Click, Form, MessageShortcut, Slash
from handlers.views import incident as incident_views
from handlers.views import kit
from handlers.views import milestones as milestone_views
from handlers.views import timeline as views
from storage import entries, outbox
from storage import incidents as incident_rows
from storage.db import Database
from storage.models import Entry, Incident


class OwnMessage(Refusal):
    """That message is Seamark's own, so it tells nothing new and was not marked."""


class TooManyChosen(Refusal):
    """That is as many as one dialog can hold. Mark these first, then go on; what you chose is still chosen."""


WAYS = {"time": "Milestone", "mark": "Mark", "edit": "Edit"}
"""What the menu at a line opens, by the name of its choice."""

MOST_CHOSEN = 250
"""Ids that surely fit into a dialog's 3,000 characters of metadata."""


def register(app: App) -> None:
    app.action("mark_open")(mark_clicked)
    app.view("mark")(mark_submitted)
    app.shortcut("mark_message")(mark_message)
    app.action("entry_menu")(menu_chosen)
    app.action("entry_edit")(edit_clicked)
    app.view("entry_edit")(edit_submitted)
    app.action("entry_undo")(undo_clicked)
    app.action("typed_no_secret")(typed_no_secret)
    app.action("pick_open")(pick_clicked)
    app.action("pick_back")(pick_turned)
    app.action("pick_on")(pick_turned)
    app.action("pick_past")(past_asked)
    app.view("pick")(pick_submitted)


@incident.subcommand
def mark(ack: Ack, slash: Slash, client: WebClient, db: Database, clock: Clock) -> None:
    """remember this moment, e.g. `/incident mark 10:42 decision: roll back to v41`; without text, a dialog"""
    if not slash.rest:
        with db.transaction() as session:
            here = incidents.here(session, slash.team_id, slash.channel_id)
            get_to_know(session, slash.team_id, slash.user_id, clock())
        view = views.mark_dialog(slash.channel_id, incident=here)
        too_late = not dialogs.opened(client, slash.trigger_id, view)
        ack(**dialogs.open_again("Mark", "mark_open", here.id) if too_late else {})
        return
    now = clock()
    zone = zones.learn(db, client, team_id=slash.team_id, user_id=slash.user_id, typed=slash.rest, now=now)
    with db.transaction() as session:
        here = incidents.here(session, slash.team_id, slash.channel_id)
        typed = moments.parse_mark(slash.rest, now=now, zone=zone)
        done = timeline.mark(
            session, here, typed, by=slash.user_id, source_key=slash.key, channel_id=slash.channel_id, now=now
        )
        get_to_know(session, slash.team_id, slash.user_id, now)
        names = people.names(session, slash.team_id, mrkdwn.mentioned(done.entry.text))
    remarks = [] if zone else [zones.UNKNOWN]
    ack(**views.marked(done, names, *remarks, unmasked=typed.text))


def mark_clicked(ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock) -> None:
    with db.transaction() as session:
        of = seen_by(session, click, int(click.value))
        get_to_know(session, click.team_id, click.user_id, clock())
    if not dialogs.opened(client, click.trigger_id, views.mark_dialog(str(of.channel_id), incident=of)):
        dialogs.offer_again(db, clock, click, "Mark")
    ack()


def mark_message(
    ack: Ack, shortcut_use: MessageShortcut, client: WebClient, db: Database, clock: Clock, bot_user_id: str
) -> None:
    """The message shortcut: it carries the whole message, also one that Seamark never saw."""
    use, now = shortcut_use, clock()
    if is_own(use.message, bot_user_id):
        raise OwnMessage
    zones.learn(db, client, team_id=use.team_id, user_id=use.user_id, typed=None, now=now)
    with db.transaction() as session:
        here = incidents.here(session, use.team_id, use.channel_id)
        message = said_of(session, use.team_id, use.channel_id, use.message, bot_user_id)
        captured = capture.said(session, message, now=now, wanted=True)
        if captured is None or captured.entry.deleted_at is not None:
            raise timeline.NoSuchEntry
        get_to_know(session, use.team_id, captured.entry.author_id, now)
        at = _clock_time(session, captured.entry, use.user_id)
    view = views.mark_dialog(use.channel_id, incident=here, entry=captured.entry, when=at)
    if not dialogs.opened(client, use.trigger_id, view):
        again = dialogs.open_again("Mark", "entry_menu", f"mark:{captured.entry.id}")
        payload = {"url": use.response_url, "message": again}
        with db.transaction() as session:
            outbox.put(session, use.team_id, "respond", payload, lane=f"respond:{use.user_id}", now=now)
    ack()


def _clock_time(session: Session, entry: Entry, user_id: str) -> str:
    """When it happened, as a clock in that person's zone showed it, in a form that they may type."""
    zone = moments.zone_named(people.zone_of(session, entry.team_id, user_id))
    return f"{entry.happened_at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def mark_submitted(ack: Ack, form: Form, db: Database, clock: Clock) -> None:
    now = clock()
    with db.transaction() as session:
        entry_id = form.metadata["entry"]
        if entry_id is None:
            entry = _mark_words(session, form, now)
        else:
            entry = _mark_message(session, form, _entry(session, form, int(entry_id)), now)
        tell_mark(session, entry, form.user_id, key=form.key, now=now)
    ack()


def _mark_words(session: Session, form: Form, now: datetime) -> Entry:
    channel_id = form.metadata["channel"]
    here = incidents.here(session, form.team_id, channel_id)
    typed = moments.TypedMark(when(session, form, now), Kind(form.choice("kind")), mrkdwn.escape(form.text("text")))
    key = f"dialog:{form.root_view_id}"
    return timeline.mark(session, here, typed, by=form.user_id, source_key=key, channel_id=channel_id, now=now).entry


def _mark_message(session: Session, form: Form, entry: Entry, now: datetime) -> Entry:
    at, kind = _typed_time(session, form, entry, now), Kind(form.choice("kind"))
    timeline.set_mark(session, entry, by=form.user_id, way="shortcut", changed=timeline.stamp(now), now=now, kind=kind)
    if at != entry.happened_at:
        timeline.edit(session, entry, by=form.user_id, text=None, kind=kind, at=at, now=now)
    if form.text("note").strip():
        of = incident_rows.by_id(session, entry.incident_id)
        note = moments.TypedMark(at, kind, mrkdwn.escape(form.text("note")))
        key = f"note:{form.root_view_id}"
        timeline.mark(session, of, note, by=form.user_id, source_key=key, channel_id=entry.channel_id, now=now)
    return entry


def _typed_time(session: Session, form: Form, entry: Entry, now: datetime) -> datetime:
    """The time typed into the dialog; untouched, it is the entry's own, to the microsecond."""
    if form.text("when").strip() == _clock_time(session, entry, form.user_id):
        return entry.happened_at
    return when(session, form, now) or entry.happened_at


def _entry(session: Session, by: Click | Form, entry_id: int) -> Entry:
    """The entry, for somebody who may know of it. Raises `NoSuchEntry`, `NoSuchIncident`."""
    entry = entries.by_id(session, by.team_id, entry_id)
    if entry is None or entry.deleted_at is not None:
        raise timeline.NoSuchEntry
    seen_by(session, by, entry.incident_id)
    return entry


def menu_chosen(ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock) -> None:
    """The menu at a line of the timeline."""
    way, _, entry_id = click.value.partition(":")
    chosen = replace(click, value=entry_id)
    if way == "undo":
        undo_clicked(ack, chosen, db, clock, replaces=False)
        return
    zones.learn(db, client, team_id=click.team_id, user_id=click.user_id, typed=None, now=clock())
    with db.reading() as session:
        entry = _entry(session, click, int(entry_id))
        view = _view_for(session, way, entry, click)
    if not dialogs.opened(client, click.trigger_id, view):
        dialogs.offer_again(db, clock, click, WAYS[way])
    ack()


def _view_for(session: Session, way: str, entry: Entry, click: Click) -> View:
    at, of = _clock_time(session, entry, click.user_id), incident_rows.by_id(session, entry.incident_id)
    if way == "time":
        return milestone_views.dialog(of, entry=entry, when=at)
    if way == "mark":
        return views.mark_dialog(click.channel_id, incident=of, entry=entry, when=at)
    words = mrkdwn.plain(entry.text, people.names(session, entry.team_id))
    return views.edit_dialog(entry, words, at, click.channel_id)


def edit_clicked(ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock) -> None:
    zones.learn(db, client, team_id=click.team_id, user_id=click.user_id, typed=None, now=clock())
    with db.reading() as session:
        view = _view_for(session, "edit", _entry(session, click, int(click.value)), click)
    if not dialogs.opened(client, click.trigger_id, view):
        dialogs.offer_again(db, clock, click, "Edit")
    ack()


def edit_submitted(ack: Ack, form: Form, db: Database, clock: Clock) -> None:
    now = clock()
    with db.transaction() as session:
        entry = _entry(session, form, int(form.metadata["entry"]))
        typed = form.text("text")
        same = typed == mrkdwn.plain(entry.text, people.names(session, form.team_id))
        timeline.edit(
            session,
            entry,
            by=form.user_id,
            text=None if same else mrkdwn.escape(typed),
            kind=Kind(form.choice("kind")),
            at=_typed_time(session, form, entry, now),
            now=now,
        )
        refresh(session, incident_rows.by_id(session, entry.incident_id), now)
        tell_mark(session, entry, form.user_id, key=form.key, now=now)
    ack()


def undo_clicked(ack: Ack, click: Click, db: Database, clock: Clock, *, replaces: bool = True) -> None:
    now = clock()
    with db.transaction() as session:
        _entry(session, click, int(click.value))
        entry = timeline.undo(session, click.team_id, int(click.value), by=click.user_id, now=now)
        holding = entries.marks(session, [entry.id]).get(entry.id, [])
        refresh(session, incident_rows.by_id(session, entry.incident_id), now)
        said = views.undone(entry, holding, people.names(session, click.team_id))
        answer(session, click, said, now, replaces=replaces)
    ack()


def typed_no_secret(ack: Ack, click: Click, db: Database, clock: Clock) -> None:
    """What was masked in a typed mark is no secret: the button itself brings the words back."""
    now = clock()
    entry_id, _, typed = click.value.partition(":")
    with db.transaction() as session:
        entry = _entry(session, click, int(entry_id))
        evidence.allow(session, entry.team_id, typed, by=click.user_id, now=now)
        timeline.edit(
            session, entry, by=click.user_id, text=typed, kind=Kind(entry.kind), at=entry.happened_at, now=now
        )
        answer(session, click, "The words are on the timeline as you typed them.", now)
    ack()


# --- many at once ----------------------------------------------------------------------------------------


def pick_clicked(ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock) -> None:
    with db.reading() as session:
        of = seen_by(session, click, int(click.value.partition(":")[0]))
        view = _picker(session, of, click, at=0, chosen=[])
    if not dialogs.opened(client, click.trigger_id, view, upon=bool(click.view)):
        dialogs.offer_again(db, clock, click, "Mark many")
    ack()


def pick_turned(ack: Ack, click: Click, client: WebClient, db: Database) -> None:
    at = int(click.value.partition(":")[2]) + (views.PICKED if click.action_id == "pick_on" else -views.PICKED)
    chosen = _chosen(click.form)
    if len(chosen) > MOST_CHOSEN:
        raise TooManyChosen
    with db.reading() as session:
        of = seen_by(session, click, int(click.value.partition(":")[0]))
        view = _picker(session, of, click, at=max(at, 0), chosen=chosen)
    client.views_update(view_id=click.form.view_id, view=view)
    ack()


def past_asked(ack: Ack, click: Click, db: Database, clock: Clock, client: WebClient) -> None:
    now = clock()
    with db.transaction() as session:
        of = seen_by(session, click, int(click.value.partition(":")[0]))
        put_fetch_past(session, of, now=now)
    text = "What was said on the day before is being fetched. Open this again in a moment: it is then further down."
    client.views_update(view_id=click.form.view_id, view=kit.notice("Mark many", text))
    ack()


def _picker(session: Session, of: Incident, click: Click, *, at: int, chosen: list[int]) -> View:
    found = entries.unmarked(session, of.id, offset=at, most=views.PICKED + 1)
    zone = moments.zone_named(people.zone_of(session, of.team_id, click.user_id))
    shown = [(entry, f"{entry.happened_at.astimezone(zone):%b %d %H:%M}") for entry in found[: views.PICKED]]
    names = people.names(session, of.team_id)
    title = mrkdwn.escape(incident_views.title_of(of))
    more = len(found) > views.PICKED
    return views.picker(title, of, shown, names, at=at, chosen=chosen, more=more, channel_id=place_of(click))


def _chosen(form: Form) -> list[int]:
    """What is ticked on this page and on those before it."""
    ticked = [int(one) for name in form.names() if name.startswith("messages_") for one in form.choices(name)]
    return sorted({*ticked, *form.metadata["chosen"]})


def pick_submitted(ack: Ack, form: Form, db: Database, clock: Clock) -> None:
    now, chosen = clock(), _chosen(form)
    with db.transaction() as session:
        of = seen_by(session, form, int(form.metadata["incident"]))
        kind = Kind(form.choice("kind"))
        count = sum(_mark_one(session, of, entry_id, form.user_id, kind, now) for entry_id in chosen)
        words = f"{count} messages are" if count != 1 else "1 message is"
        whisper(session, form, f"{words} marked now as *{kind.label}*.", now)
    ack(response_action="clear")


def _mark_one(session: Session, of: Incident, entry_id: int, user_id: str, kind: Kind, now: datetime) -> bool:
    entry = entries.by_id(session, of.team_id, entry_id)
    if entry is None or entry.incident_id != of.id or entry.deleted_at is not None:
        return False
    timeline.set_mark(session, entry, by=user_id, way="picker", changed=timeline.stamp(now), now=now, kind=kind)
    return True
