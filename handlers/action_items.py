"""Actions: added in the retrospective's step, listed, and brought on by buttons wherever they are shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View
from sqlmodel import Session

from bot import action_items as actions
from bot import blameless, incidents, mrkdwn, nudge_cases, nudge_outcomes, retro
from bot.action_items import NoSuchAction, Plan
from bot.errors import FieldRefusal, Refusal
from bot.policy import Policy
from handlers import dialogs, steps
from handlers.capture import get_to_know
from handlers.courier import Clock
from handlers.nudges import reader_of, refresh_about
from handlers.payloads import Click, Form, Slash
from handlers.retro import retro as retro_command
from handlers.steps import Visit
from handlers.views import action_items as views
from handlers.views import kit
from storage import action_items, entries, factors, outbox, people, receipts, retros
from storage import incidents as incident_rows
from storage.db import Database
from storage.models import ActionItem, ActionStatus, Factor, Incident
from storage.nudges import ACTION


class NoSuchList(Refusal):
    """`/retro actions` shows `mine`, `overdue`, `all`, those of an incident (`INC-7`) or one alone (`ACT-12`)."""


def register(app: App) -> None:
    app.action("action_add")(add_clicked)
    app.action("action_edit")(edit_clicked)
    app.view("action_save")(save_submitted)
    app.action("action_keep")(keep_clicked)
    app.action(re.compile("action_page_(back|on)"))(step_turned)
    app.action(re.compile("actions_(back|on|open)"))(list_turned)
    for name, opens in DIALOGS.items():
        app.action(name)(_opener(opens))
    for name, carries in SUBMITTED.items():
        app.view(name)(_submitted(carries))
    for name, does in AT_ONCE.items():
        app.action(name)(_doer(does))


# --- lists -----------------------------------------------------------------------------------------------


@retro_command.named("actions")
def list_actions(ack: Ack, slash: Slash, db: Database, clock: Clock) -> None:
    """what was agreed and where it stands, e.g. `/retro actions mine`, or `overdue`, `all`, `INC-7`, `ACT-12`"""
    now = clock()
    with db.reading() as session:
        asked = slash.rest.strip() or _usual(session, slash)
        answer = _shown(session, slash.team_id, slash.user_id, asked, 0, now)
    ack(**answer)


def _usual(session: Session, slash: Slash) -> str:
    """Without a word: in an incident's channel its actions, elsewhere one's own."""
    here = incident_rows.in_channel(session, slash.team_id, slash.channel_id)
    return here.key if here is not None else "mine"


def list_turned(ack: Ack, click: Click, db: Database, clock: Clock) -> None:
    """Another page; the private message it stands in is replaced."""
    asked, _, at = click.value.partition("|")
    now = clock()
    with db.transaction() as session:
        answer = _shown(session, click.team_id, click.user_id, asked, int(at or 0), now)
        message = {**answer, "replace_original": click.action_id != "actions_open"}
        _respond(session, click.team_id, click.user_id, click.response_url, message, now)
    ack()


def _shown(session: Session, team_id: str, user_id: str, asked: str, at: int, now: datetime) -> dict[str, Any]:
    one = re.fullmatch(r"act[- ]?(\d{1,9})", asked, re.IGNORECASE)
    if one:
        return _detail(session, team_id, user_id, int(one[1]), now)
    reader = reader_of(session, team_id, user_id, now)
    page = listing(session, team_id, user_id, asked, at, reader.today)
    return views.listing(page, _with_outsiders(session, reader, page.rows))


def _with_outsiders(
    session: Session, reader: views.Reader, rows: Sequence[tuple[ActionItem, Incident]]
) -> views.Reader:
    """A reader who is told also whose private incident an owner may not know of any more."""
    private = [(action, incident) for action, incident in rows if incident.is_private]
    why = {action.id: nudge_cases.why_away(session, of, action.owner_id, None) for action, of in private}
    return replace(reader, outside={action: reason for action, reason in why.items() if reason is not None})


def listing(session: Session, team_id: str, user_id: str, asked: str, at: int, today: date) -> views.Listing:
    """One page of what was asked for; raises `NoSuchList`, `NoSuchIncident`."""
    found, hint = action_items.visible(team_id, user_id), None
    match asked.lower():
        case "mine":
            title, found = "Your open actions", action_items.unfinished(action_items.owned_by(found, user_id))
        case "overdue":
            title, found = "Overdue actions", action_items.overdue(found, today)
        case "all":
            title, found = "Open actions", action_items.unfinished(found)
        case _:
            incident = _incident(session, team_id, user_id, asked)
            title, found = f"Actions of {incident.key}", action_items.of(found, incident.id)
            hint = actions.unpaired(action_items.of_incident(session, incident.id))
            asked = incident.key
    total = action_items.count(session, found)
    at = min(at, max(total - 1, 0) // views.PAGE * views.PAGE)
    rows = action_items.page(session, found, offset=at, most=views.PAGE)
    return views.Listing(title, asked.replace("|", ""), rows, at, total, [f"💡 {hint}"] if hint else [])


def _incident(session: Session, team_id: str, user_id: str, asked: str) -> Incident:
    if not re.fullmatch(r"(?:inc[- ]?)?#?\d{1,9}", asked, re.IGNORECASE):
        raise NoSuchList
    return incidents.named(session, team_id, asked, asked_by=user_id)


def _detail(session: Session, team_id: str, user_id: str, number: int, now: datetime) -> dict[str, Any]:
    action = action_items.by_number(session, team_id, number)
    if action is None:
        raise NoSuchAction
    action = actions.seen(session, team_id, action.id, user_id)
    incident = incident_rows.by_id(session, action.incident_id)
    factor = session.get(Factor, action.factor_id) if action.factor_id else None
    trace = action_items.events(session, [action.id]).get(action.id, [])
    reader = _with_outsiders(session, reader_of(session, team_id, user_id, now), [(action, incident)])
    return views.detail(action, incident, factor, trace, reader)


# --- adding and editing ----------------------------------------------------------------------------------


@steps.kinds.shows("actions")
def step_blocks(session: Session, visit: Visit) -> list[Block]:
    """The actions agreed so far, what is worth most first, and the way to add one."""
    known = action_items.of_retrospective(session, visit.retro.id)
    ordered = actions.by_priority(known, risk_of(session, visit.retro.id, visit.policy), visit.incident.severity)
    at = int(visit.options.get("actions_at") or 0)
    reader = reader_of(session, visit.retro.team_id, visit.viewer, visit.now)
    reader = _with_outsiders(session, reader, [(action, visit.incident) for action in known])
    return views.step_blocks(ordered, reader, retro_id=visit.retro.id, at=at, hint=actions.unpaired(known))


def risk_of(session: Session, retrospective_id: int, policy: Policy) -> int | None:
    """Likelihood times consequence, as the retrospective's own questions were answered."""
    told = {prompt: answer.text for (_, prompt), answer in retros.answers(session, retrospective_id).items()}
    return policy.risk.score(told.get("likelihood"), told.get("consequence"))


def step_turned(
    ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock, guides: Any, policy: Policy
) -> None:
    with db.reading() as session:
        at = int(click.value.strip("-") or 0)
        view = steps.shown_again(session, click, guides=guides, policy=policy, now=clock(), actions_at=at)
    dialogs.shown_instead(client, str(click.view["id"]), view)
    ack()


def add_clicked(ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock, policy: Policy) -> None:
    """The dialog "Add an action", upon the step or on its own."""
    now = clock()
    with db.reading() as session:
        found, incident = retro.taking_part(session, click.team_id, int(click.value), asked_by=click.user_id)
        today = now.astimezone(actions.zone_of(session, click.team_id, click.user_id)).date()
        plan = Plan("", "", policy.actions_due(incident.severity, today))
        view = views.action_dialog(plan, factors.of_retrospective(session, found.id), _metadata(click, retro=found.id))
    _show(client, db, clock, click, view, "Add an action")
    ack()


def edit_clicked(ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock) -> None:
    action_id, _, place = click.value.partition("|")
    with db.reading() as session:
        action = actions.to_change(session, click.team_id, int(action_id), click.user_id)
        known = _factors_for(session, action)
    carried = _metadata(click, action=action.id, version=action.version, retro=action.retrospective_id, place=place)
    _show(client, db, clock, click, views.action_dialog(views.plan_of(action), known, carried), "Edit")
    ack()


def _factors_for(session: Session, action: ActionItem) -> Sequence[Factor]:
    return factors.of_retrospective(session, action.retrospective_id) if action.retrospective_id else []


def _metadata(click: Click, **carried: Any) -> dict[str, Any]:
    """What a dialog remembers: what it is about, and where it was opened, so that this place follows."""
    if click.view.get("type") == "modal":
        return {**carried, "below": steps.below(click)}
    return {**carried, "url": click.response_url} if click.response_url else carried


def _show(client: WebClient, db: Database, clock: Clock, click: Click, view: View, label: str) -> None:
    """Open the dialog behind the button `label`, or say that it was too late for that."""
    upon = click.view.get("type") == "modal"
    if not dialogs.opened(client, click.trigger_id, view, upon=upon):
        dialogs.offer_again(db, clock, click, label)


def save_submitted(ack: Ack, form: Form, db: Database, clock: Clock) -> None:
    """Keep an action, new or changed; the writer alone then sees which words are worth another look."""
    now = clock()
    plan = _plan(form)
    try:
        with db.transaction() as session:
            action = _saved(session, form, plan, now)
            followed(
                session, action, now, by=form.user_id, url=form.metadata.get("url"), place=form.metadata.get("place")
            )
            steps.refresh_below(session, form, now)
            known = _factors_for(session, action)
            remarks = blameless.review_action(
                action.what, success_criteria=action.success_criteria, people=_names(session, action)
            )
    except actions.ChangedMeanwhile as conflict:
        ack(response_action="update", view=_both(db, form, plan, conflict.action_id, now))
        return
    if remarks:
        ack(response_action="update", view=views.saved_with_remarks(action, known, remarks, form.metadata))
    else:
        ack()


def _plan(form: Form) -> Plan:
    if not form.user("owner"):
        raise FieldRefusal(owner="Choose who will see to it.")
    due_on = form.day("due")
    if due_on is None:
        raise FieldRefusal(due="Choose a day.")
    return Plan(
        what=form.text("what"),
        owner_id=form.user("owner"),
        due_on=due_on,
        kind=form.choice("kind"),
        factor_id=int(form.choice("addresses") or 0) or None,
        success_criteria=form.text("criteria"),
        impact=form.choice("impact"),
        effort=form.choice("effort"),
    )


def _saved(session: Session, form: Form, plan: Plan, now: datetime) -> ActionItem:
    carried = form.metadata
    if carried.get("action") is not None:
        return actions.change(
            session,
            form.team_id,
            int(carried["action"]),
            plan,
            by=form.user_id,
            based_on=int(carried["version"]),
            now=now,
        )
    found, incident = retro.taking_part(session, form.team_id, int(carried["retro"]), asked_by=form.user_id)
    source_key = f"dialog:{form.view_id}"
    return actions.add(
        session, incident, plan, by=form.user_id, source_key=source_key, now=now, retrospective_id=found.id
    )


def _names(session: Session, action: ActionItem) -> list[str]:
    """What those in the incident are called: whoever an action might be about instead of a thing."""
    there = people.people(session, action.team_id, {action.owner_id, *entries.authors(session, action.incident_id)})
    return [word for user_id, person in there.items() for word in (user_id, person.name)]


def _both(db: Database, form: Form, plan: Plan, action_id: int, now: datetime) -> View:
    """The dialog with what was typed and, above it, what somebody else saved meanwhile."""
    with db.reading() as session:
        theirs = actions.seen(session, form.team_id, action_id, form.user_id)
        reader = reader_of(session, form.team_id, form.user_id, now)
        known = _factors_for(session, theirs)
    carried = {**form.metadata, "version": theirs.version}
    return views.action_dialog(plan, known, carried, notes=views.meanwhile(theirs, plan, reader))


def keep_clicked(ack: Ack, click: Click, client: WebClient, db: Database) -> None:
    """The words stay; nothing is to be done but to say so."""
    with db.reading() as session:
        action = actions.seen(session, click.team_id, int(click.value), click.user_id)
    dialogs.shown_instead(client, str(click.view["id"]), views.kept(action))
    ack()


# --- the buttons -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pressed:
    """A button pressed or a dialog submitted: about which action, by whom, when, with which words."""

    session: Session
    team_id: str
    action_id: int
    by: str
    now: datetime
    form: Form | None = None

    def text(self, name: str) -> str:
        return self.form.text(name) if self.form else ""


def _opener(view_of: Any) -> Any:
    def opens(ack: Ack, click: Click, client: WebClient, db: Database, clock: Clock) -> None:
        action_id, _, place = click.value.partition("|")
        with db.reading() as session:
            action = actions.seen(session, click.team_id, int(action_id), click.user_id)
            _refuse_when_past(session, action, click)
            today = clock().astimezone(actions.zone_of(session, click.team_id, action.owner_id)).date()
        view = view_of(action, today, _metadata(click, action=action.id, place=place))
        _show(client, db, clock, click, view, LABELS.get(click.action_id, "Open"))
        ack()

    return opens


def _refuse_when_past(session: Session, action: ActionItem, click: Click) -> None:
    """A button on an old message says why it no longer does anything, before anybody writes into a dialog."""
    wanted = STATES[click.action_id]
    if action.status not in wanted:
        raise actions.NotNow(f"{action.key} {actions.state_words(session, action)}, so nothing was changed.")


def _submitted(do: Any) -> Any:
    def submitted(ack: Ack, form: Form, db: Database, clock: Clock) -> None:
        now, carried = clock(), form.metadata
        with db.transaction() as session:
            if receipts.first_time(session, form.team_id, form.key, now):
                action = do(Pressed(session, form.team_id, int(carried["action"]), form.user_id, now, form))
                followed(session, action, now, by=form.user_id, url=carried.get("url"), place=carried.get("place"))
                steps.refresh_below(session, form, now)
        ack()

    return submitted


def _doer(do: Any) -> Any:
    def done(ack: Ack, click: Click, db: Database, clock: Clock) -> None:
        now = clock()
        action_id, _, place = click.value.partition("|")
        with db.transaction() as session:
            if receipts.first_time(session, click.team_id, click.key, now):
                action = do(Pressed(session, click.team_id, int(action_id), click.user_id, now))
                followed(session, action, now, by=click.user_id, url=click.response_url, place=place)
        ack()

    return done


def _done(said: Pressed) -> ActionItem:
    return actions.done(said.session, said.team_id, said.action_id, by=said.by, how=said.text("how"), now=said.now)


def _snooze(said: Pressed) -> ActionItem:
    until = said.form.day("until") if said.form else None
    return actions.snooze(said.session, said.team_id, said.action_id, by=said.by, until=until, now=said.now)


def _hand_over(said: Pressed) -> ActionItem:
    to = said.form.user("to") if said.form else ""
    action = actions.hand_over(
        said.session, said.team_id, said.action_id, by=said.by, to=to, words=said.text("words"), now=said.now
    )
    nudge_outcomes.at_once(said.session, action, "handover", to=to, occurrence=str(action.version), now=said.now)
    return action


def _accept(said: Pressed) -> ActionItem:
    before = actions.seen(said.session, said.team_id, said.action_id, said.by).owner_id
    action = actions.accept(said.session, said.team_id, said.action_id, by=said.by, now=said.now)
    _tell(said, before, f"{_name(said)} took over *{action.key}*.")
    return action


def _decline(said: Pressed) -> ActionItem:
    action = actions.decline(
        said.session, said.team_id, said.action_id, by=said.by, words=said.text("words"), now=said.now
    )
    words = f" “{mrkdwn.escape(said.text('words').strip())}”" if said.text("words").strip() else ""
    _tell(said, action.owner_id, f"{_name(said)} cannot take over *{action.key}*, so it stays with you.{words}")
    return action


def _wont_do(said: Pressed) -> ActionItem:
    because = said.text("because")
    return actions.wont_do(said.session, said.team_id, said.action_id, by=said.by, because=because, now=said.now)


def _confirm(said: Pressed) -> ActionItem:
    return actions.confirm(said.session, said.team_id, said.action_id, by=said.by, now=said.now)


def _reopen(said: Pressed) -> ActionItem:
    action = actions.reopen(
        said.session, said.team_id, said.action_id, by=said.by, words=said.text("words"), now=said.now
    )
    if action.owner_id != said.by:
        nudge_outcomes.at_once(
            said.session, action, "not_yet", to=action.owner_id, occurrence=str(action.version), now=said.now
        )
    return action


def _holds(said: Pressed) -> ActionItem:
    return actions.tell_smoke(said.session, said.team_id, said.action_id, by=said.by, holds=True, now=said.now)


def _effect(effect: str) -> Any:
    def tell(said: Pressed) -> ActionItem:
        words = said.text("words")
        return actions.tell_effect(
            said.session, said.team_id, said.action_id, by=said.by, effect=effect, words=words, now=said.now
        )

    return tell


def _tell(said: Pressed, user_id: str, text: str) -> None:
    payload = {"user": user_id, **kit.message(text, kit.sections(text))}
    outbox.put(said.session, said.team_id, "direct_message", payload, lane=f"nudge:{user_id}", now=said.now)


def _name(said: Pressed) -> str:
    person = people.person(said.session, said.team_id, said.by)
    return mrkdwn.escape(person.name if person else said.by)


DIALOGS: dict[str, Any] = {
    "action_done": lambda action, _, carried: views.done_dialog(action, carried),
    "action_snooze": views.snooze_dialog,
    "action_hand_over": lambda action, _, carried: views.hand_over_dialog(action, carried),
    "action_wont_do": lambda action, _, carried: views.wont_do_dialog(action, carried),
    "action_decline": lambda action, _, carried: views.decline_dialog(action, carried),
    "action_not_yet": lambda action, _, carried: views.reopen_dialog(action, "Not yet", "What is missing?", carried),
    "action_trouble": lambda action, _, carried: views.reopen_dialog(action, "New trouble", "What happened?", carried),
    "action_reopen": lambda action, _, carried: views.reopen_dialog(action, "Reopen", "What is to be done?", carried),
    "action_effect_partly": lambda action, _, carried: views.effect_dialog(action, "partly", carried),
    "action_effect_no": lambda action, _, carried: views.effect_dialog(action, "no", carried),
}
SUBMITTED: dict[str, Any] = {
    "action_done": _done,
    "action_snooze": _snooze,
    "action_hand_over": _hand_over,
    "action_wont_do": _wont_do,
    "action_decline": _decline,
    "action_reopen": _reopen,
    "action_effect_partly": _effect("partly"),
    "action_effect_no": _effect("no"),
}
AT_ONCE: dict[str, Any] = {
    "action_accept": _accept,
    "action_confirm": _confirm,
    "action_holds": _holds,
    "action_effect_yes": _effect("yes"),
}
LABELS = {
    "action_done": "Done",
    "action_snooze": "Snooze",
    "action_hand_over": "Hand over",
    "action_wont_do": "Won't do",
    "action_decline": "Decline",
    "action_not_yet": "Not yet",
    "action_trouble": "New trouble",
    "action_reopen": "Reopen",
    "action_effect_partly": "Partly",
    "action_effect_no": "No",
}
_OPEN = {ActionStatus.OPEN}
STATES: dict[str, set[ActionStatus]] = {
    "action_done": _OPEN,
    "action_snooze": _OPEN,
    "action_hand_over": _OPEN,
    "action_wont_do": _OPEN,
    "action_decline": _OPEN,
    "action_not_yet": {ActionStatus.DONE},
    "action_trouble": {ActionStatus.VERIFIED},
    "action_reopen": {ActionStatus.DONE, ActionStatus.VERIFIED, ActionStatus.WONT_DO},
    "action_effect_partly": {ActionStatus.VERIFIED},
    "action_effect_no": {ActionStatus.VERIFIED},
}
"""In which state of an action each button still does something."""


# --- what follows ----------------------------------------------------------------------------------------


def followed(
    session: Session,
    action: ActionItem,
    now: datetime,
    *,
    by: str,
    url: str | None = None,
    place: str | None = None,
) -> None:
    """Have everything that shows an action follow: messages, Home tabs, the hub, the list it was done in."""
    refresh_about(session, action.team_id, ACTION, action.id, now)
    for user in sorted({user for user in (by, action.owner_id, action.handover_to, action.done_by) if user}):
        get_to_know(session, action.team_id, user, now, lane=f"home:{user}")
        refresh_home(session, action.team_id, user, now)
    if action.retrospective_id is not None:
        found = retros.by_id(session, action.team_id, action.retrospective_id)
        if found is not None:
            retro.hub_refresh(session, found, now)
    asked, _, at = (place or "").partition("|")
    if url and asked:
        session.flush()
        answer = _shown(session, action.team_id, by, asked, int(at or 0), now)
        _respond(session, action.team_id, by, url, {**answer, "replace_original": True}, now)


def refresh_home(session: Session, team_id: str, user_id: str, now: datetime) -> None:
    """Have somebody's Home tab show what is true now."""
    outbox.put_refresh(session, team_id, "publish_home", {"user": user_id}, lane=f"home:{user_id}", now=now)


def _respond(session: Session, team_id: str, user_id: str, url: str, message: dict[str, Any], now: datetime) -> None:
    payload = {"url": url, "message": message}
    outbox.put(session, team_id, "respond", payload, lane=f"respond:{user_id}", now=now)
