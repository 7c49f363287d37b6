"""The steps about time: the milestones put right, the timeline reviewed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.models.blocks import Block
from sqlmodel import Session

from bot import milestones, moments, mrkdwn, retro, timeline
from bot import people as who
from bot.errors import FieldRefusal
from bot.guides import Guide, Prompt
from bot.kinds import Kind
from bot.moments import TypedMark
from bot.policy import Policy
from handlers import dialogs, entry_menu, incident_base, retro_steps, steps
from handlers.courier import Clock
from handlers.payloads import Click, Form
from handlers.steps import Visit, kinds
from handlers.views import retro_timeline as views
from storage import entries
from storage import incidents as incident_rows
from storage.db import Database
from storage.models import Entry, Incident, Milestone, MilestoneKind


def register(app: App) -> None:
    entry_menu.register(app)
    app.action("retro_entries_earlier")(page_turned)
    app.action("retro_entries_later")(page_turned)
    app.action("retro_entries_all")(everything_shown)
    app.action("retro_entries_marked")(marked_shown)
    app.action("retro_entry_add")(add_clicked)
    app.view("retro_entry_add")(add_submitted)
    app.action("retro_entry_edit")(edit_clicked)
    app.view("retro_entry_edit")(edit_submitted)


# --- milestones ------------------------------------------------------------------------------------------


@kinds.shows("milestones")
def milestone_fields(session: Session, visit: Visit) -> list[Block]:
    return views.milestone_fields(incident_rows.milestones(session, visit.incident.id))


@kinds.keeps("milestones")
def keep_milestones(session: Session, visit: Visit, form: Form) -> str | None:
    """Set the times that were changed; those that contradict each other only when they are kept a second time."""
    chosen = _chosen_times(session, visit, form)
    if not chosen:
        return None
    reached = incident_rows.milestones(session, visit.incident.id)
    wanted = {kind: row for kind, row in reached.items() if kind not in chosen}
    wanted |= {str(kind): _thought(visit, kind, at) for kind, at in chosen.items() if at is not None}
    found = [
        (kind.value, at, others)
        for kind, at in chosen.items()
        if at is not None and (others := milestones.contradictions(kind, at, wanted))
    ]
    note = views.contradictions(found) if found else None
    if note is not None and visit.options.get("told") != note:
        return note
    for kind, at in chosen.items():
        _set(session, visit, form, kind, at, reached.get(kind))
    incident_base.refresh(session, visit.incident, visit.now)
    return None


def _chosen_times(session: Session, visit: Visit, form: Form) -> dict[MilestoneKind, datetime | None]:
    """The times that differ from what the dialog showed; None for one that was taken away."""
    chosen: dict[MilestoneKind, datetime | None] = {}
    for kind in MilestoneKind:
        name = f"milestone_{kind}"
        shown, now = _initial(form, name).get("initial_date_time"), form.moment(name)
        if not _same_minute(now, shown):
            chosen[kind] = datetime.fromtimestamp(now, UTC) if now is not None else None
        if now is not None and now > visit.now.timestamp():
            raise FieldRefusal(**{name: "That moment has not come yet."})
    entry, of = form.choice("milestone_entry"), form.choice("milestone_of")
    if entry and of:
        found = _entry(session, visit.incident, int(entry))
        chosen[MilestoneKind(of)] = found.happened_at
    elif entry:
        raise FieldRefusal(milestone_of="Choose which milestone this message's time is.")
    return chosen


def _same_minute(one: int | None, other: int | None) -> bool:
    """A picker shows minutes: what was not touched may come back without its seconds."""
    return one == other if one is None or other is None else one // 60 == other // 60


def _initial(form: Form, name: str) -> Mapping[str, Any]:
    """The element of an input as the dialog showed it."""
    found = next((block for block in form.view["blocks"] if block["block_id"] == name), None)
    return dict(found["element"]) if found else {}


def _thought(visit: Visit, kind: MilestoneKind, at: datetime) -> Milestone:
    return Milestone(
        incident_id=visit.incident.id,
        kind=kind,
        team_id=visit.retro.team_id,
        at=at,
        set_by=visit.viewer,
        set_at=visit.now,
    )


def _set(
    session: Session, visit: Visit, form: Form, kind: MilestoneKind, at: datetime | None, known: Milestone | None
) -> None:
    if at is not None:
        milestones.set_milestone(
            session,
            visit.incident,
            kind,
            at=at,
            note=known.note if known else "",
            by=visit.viewer,
            source_key=f"{form.key}:{kind}",
            now=visit.now,
            anyway=True,
        )
    elif known is not None:
        session.delete(known)
        if known.entry_id is not None:
            timeline.supersede(session, visit.retro.team_id, known.entry_id, now=visit.now)


def _entry(session: Session, of: Incident, entry_id: int) -> Entry:
    """The incident's entry. Raises `NoSuchEntry`, also for one of another incident."""
    found = entries.by_id(session, of.team_id, entry_id)
    if found is None or found.incident_id != of.id or found.deleted_at is not None:
        raise timeline.NoSuchEntry
    return found


# --- timeline --------------------------------------------------------------------------------------------


@kinds.shows("timeline")
def entry_list(session: Session, visit: Visit) -> list[Block]:
    names = who.names(session, visit.retro.team_id)
    chosen = [entry for entry in entries.of_incident(session, visit.incident.id) if entry.is_key]
    options = entry_menu.options(session, visit.incident, visit.viewer, chosen[: entry_menu.OFFERED])
    return views.entry_list(_page(session, visit), options, names)


def _page(session: Session, visit: Visit) -> views.Page:
    everything = bool(visit.options.get("all"))
    marked = None if everything else True
    total = entries.count(session, visit.incident.id, marked=True)
    total += entries.count(session, visit.incident.id, marked=False) if everything else 0
    at = min(int(visit.options.get("at") or 0), max(total - 1, 0))
    found = entries.of_incident(session, visit.incident.id, marked=marked, offset=at, most=views.PAGE)
    return views.Page(found, at, total, everything)


@kinds.asks("timeline")
def follow_ups(session: Session, visit: Visit) -> Sequence[Prompt]:
    """A question fitting the kind of remark, for each marked entry on the page that has one."""
    names = who.names(session, visit.retro.team_id)
    zone = moments.zone_named(who.zone_of(session, visit.retro.team_id, visit.viewer))
    found = []
    for entry in _page(session, visit).entries:
        questions = visit.policy.follow_ups_for(entry.kind) if entry.is_marked else ()
        if questions:
            found.append(_follow_up(entry, questions, names, zone))
    return found


def _follow_up(entry: Entry, questions: Sequence[str], names: Mapping[str, str], zone: tzinfo) -> Prompt:
    said = " ".join(mrkdwn.plain(entry.text, names).split())
    start = f"{entry.happened_at.astimezone(zone):%H:%M} "
    room = max(75 - len(start) - len(questions[0]) - 2, 10)
    label = mrkdwn.shorten(f"{start}{mrkdwn.shorten(said, room)}: {questions[0]}", 75)
    others = " ".join(questions[1:])
    return Prompt(
        key=follow_up_key(entry.id),
        label=label,
        hint=mrkdwn.shorten(f"“{mrkdwn.shorten(said, 120)}” {others}".strip(), 300),
        document="Key moments",
    )


def follow_up_key(entry_id: int) -> str:
    """Under which key of the timeline's step the answer about an entry is kept."""
    return f"entry_{entry_id}"


@kinds.keeps("timeline")
def keep_key_moments(session: Session, visit: Visit, form: Form) -> str | None:
    """Let what was chosen be key moments, and what was taken out be none; two people's choices add up."""
    shown = {str(option["value"]) for option in _initial(form, "key_moments").get("initial_options") or []}
    chosen = set(form.choices("key_moments"))
    for number in sorted(chosen ^ shown, key=int):
        entry = _entry(session, visit.incident, int(number))
        entry.is_key = number in chosen
        session.add(entry)
        changed = timeline.stamp(visit.now)
        call = timeline.set_mark if entry.is_key else timeline.unset_mark
        call(session, entry, by=visit.viewer, way="key", changed=changed, now=visit.now)
    return None


def page_turned(
    ack: Ack,
    click: Click,
    client: WebClient,
    db: Database,
    clock: Clock,
    guides: Mapping[str, Guide],
    policy: Policy,
) -> None:
    retro_steps.turn(click, client, db, clock(), guides, policy, at=int(click.value))
    ack()


def everything_shown(
    ack: Ack,
    click: Click,
    client: WebClient,
    db: Database,
    clock: Clock,
    guides: Mapping[str, Guide],
    policy: Policy,
) -> None:
    retro_steps.turn(click, client, db, clock(), guides, policy, all=True, at=0)
    ack()


def marked_shown(
    ack: Ack,
    click: Click,
    client: WebClient,
    db: Database,
    clock: Clock,
    guides: Mapping[str, Guide],
    policy: Policy,
) -> None:
    retro_steps.turn(click, client, db, clock(), guides, policy, all=False, at=0)
    ack()


def add_clicked(ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock) -> None:
    view = views.add_dialog({"below": steps.below(click)})
    if not dialogs.opened(client, click.trigger_id, view, upon=True):
        dialogs.offer_again(db, clock, click, "Add what is missing")
    ack()


def add_submitted(ack: Ack, form: Form, db: Database, clock: Clock) -> None:
    """Put on the timeline what nobody had marked; the step below shows it."""
    now = clock()
    with db.transaction() as session:
        of = _incident(session, form)
        at = _when(session, form, now)
        typed = TypedMark(at, Kind(form.choice("kind")), mrkdwn.escape(form.text("text")))
        timeline.mark(
            session,
            of,
            typed,
            by=form.user_id,
            source_key=f"dialog:{form.view_id}",
            channel_id=of.channel_id or of.declared_in,
            now=now,
        )
        incident_base.refresh(session, of, now)
        steps.refresh_below(session, form, now)
    ack()


def _incident(session: Session, form: Form) -> Incident:
    number = int(form.metadata["below"]["retro"])
    return retro.taking_part(session, form.team_id, number, asked_by=form.user_id)[1]


def _when(session: Session, form: Form, now: datetime) -> datetime:
    """The moment typed into "When"; one that cannot be is told at its field."""
    zone = who.zone_of(session, form.team_id, form.user_id)
    try:
        at, rest = moments.split_when(form.text("when").strip(), now=now, zone=zone)
    except moments.NoSuchTime as refusal:
        raise FieldRefusal(when=refusal.reason) from refusal
    if at is None or rest.strip():
        raise FieldRefusal(when=f"That is no time. Write it like {moments.EXAMPLES.replace('`', '')}.")
    return at


def _clock_time(session: Session, entry: Entry, user_id: str) -> str:
    """When it happened, as a clock in that person's zone showed it."""
    zone = moments.zone_named(who.zone_of(session, entry.team_id, user_id))
    return f"{entry.happened_at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _typed_time(session: Session, form: Form, entry: Entry, now: datetime) -> datetime:
    """The moment typed into "When"; untouched, it is the entry's own, to the microsecond."""
    if form.text("when").strip() == _clock_time(session, entry, form.user_id):
        return entry.happened_at
    return _when(session, form, now)


def edit_clicked(ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock) -> None:
    with db.reading() as session:
        _, of = retro.seen(session, click.team_id, int(click.form.metadata["retro"]), asked_by=click.user_id)
        entry = _entry(session, of, int(click.value))
        when = _clock_time(session, entry, click.user_id)
        names = who.names(session, click.team_id)
    metadata = {"below": steps.below(click), "entry": entry.id}
    view = views.edit_dialog(entry, mrkdwn.plain(entry.text, names), when, metadata)
    if not dialogs.opened(client, click.trigger_id, view, upon=True):
        dialogs.offer_again(db, clock, click, "Edit")
    ack()


def edit_submitted(ack: Ack, form: Form, db: Database, clock: Clock) -> None:
    """Change an entry's kind, time or words; the step below shows it."""
    now = clock()
    with db.transaction() as session:
        of = _incident(session, form)
        entry = _entry(session, of, int(form.metadata["entry"]))
        typed = form.text("text")
        same = entry.via == "message" or typed == mrkdwn.plain(entry.text, who.names(session, form.team_id))
        timeline.edit(
            session,
            entry,
            by=form.user_id,
            text=None if same else mrkdwn.escape(typed),
            kind=Kind(form.choice("kind")),
            at=_typed_time(session, form, entry, now),
            now=now,
        )
        incident_base.refresh(session, of, now)
        steps.refresh_below(session, form, now)
    ack()
