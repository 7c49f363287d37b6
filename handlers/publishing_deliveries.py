"""What is said and shared in Slack when a retrospective is reviewed, published or exported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from slack_sdk.errors import SlackApiError
from sqlmodel import Session

from bot import exporting, incidents, publishing, reports, retro
from bot import people as who
from bot.report import Report
from handlers.courier import Deliveries, Delivery, GiveUp
from handlers.deliveries import open_conversation
from handlers.retro_deliveries import NO_PLACE
from handlers.uploads import share_once
from handlers.views import kit
from handlers.views import publishing as views
from storage import incidents as incident_rows
from storage import outbox, people, retros
from storage.models import Incident, Retrospective

UNREACHABLE = {"user_disabled", "user_not_found", "user_not_visible"}


def register(deliveries: Deliveries) -> None:
    deliveries.kind("ask_review")(ask_review)
    deliveries.kind("tell_review")(tell_review)
    deliveries.kind("share_version")(share_version)
    deliveries.kind("upload_version")(upload_version)
    deliveries.kind("post_brief")(post_brief)
    deliveries.kind("export_document")(export_document)


def _read(delivery: Delivery) -> tuple[Retrospective, Incident]:
    with delivery.db.reading() as session:
        found = retros.by_id(session, delivery.team_id, delivery.payload["retro"])
        if found is None:
            raise GiveUp("there is no such retrospective")
        return found, incident_rows.by_id(session, found.incident_id)


def _to(delivery: Delivery, user_id: str) -> str:
    """The conversation with somebody; who cannot be written to is given up, visibly."""
    try:
        return open_conversation(delivery, user_id)
    except SlackApiError as error:
        if error.response.get("error") not in UNREACHABLE:
            raise
        raise GiveUp(f"Slack does not let {user_id} be written to") from error


# --- review ----------------------------------------------------------------------------------------------


def ask_review(delivery: Delivery) -> None:
    """Ask a reviewer, and give them the draft."""
    found, incident = _read(delivery)
    user = delivery.payload["user"]
    with delivery.db.reading() as session:
        if not incidents.may_see(session, incident, user):
            raise GiveUp("the reviewer is no longer in the private incident's channel")
        asker = who.names(session, found.team_id).get(delivery.payload["by"], "Somebody")
        draft = reports.current(session, incident, delivery.extras["books"])
    conversation = _to(delivery, user)
    delivery.post_once(conversation, **views.review_request(incident, found.id, asker))
    share_once(delivery, conversation, [exporting.file_of(draft, "html")], f"The draft of {incident.key}.")


def tell_review(delivery: Delivery) -> None:
    """Tell the facilitator what a reviewer said, or another participant when the facilitator may not know of it."""
    found, incident = _read(delivery)
    told = delivery.payload
    with delivery.db.reading() as session:
        user = _listener(session, found, incident, told)
        reviewer = who.names(session, delivery.team_id).get(told["by"], "Somebody")
    text = views.told(incident, reviewer, told["decision"], told["words"])
    delivery.post_once(_to(delivery, user), **kit.message(text, kit.sections(text)))


def _listener(session: Session, found: Retrospective, incident: Incident, told: Mapping[str, Any]) -> str:
    taking_part = [one.user_id for one in retros.participants(session, found.id) if one.user_id != told["by"]]
    there = retro.insiders(session, incident, [told["user"], *taking_part])
    if not there:
        raise GiveUp("nobody is left who takes part and may know of it")
    return str(told["user"]) if told["user"] in there else there[0]


# --- published -------------------------------------------------------------------------------------------


def _version(delivery: Delivery) -> tuple[Retrospective, Incident, Report]:
    found, incident = _read(delivery)
    with delivery.db.reading() as session:
        report = publishing.named_version(session, found, delivery.payload["version"])
    if report is None:
        raise GiveUp("there is no such version")
    return found, incident, report


def _place(delivery: Delivery, found: Retrospective, incident: Incident, report: Report) -> str:
    """The incident's channel; when that takes nothing any more, the direct messages of who published it.

    What is private goes nowhere else than there.
    """
    channel = incident.place or (None if incident.is_private else found.hub_channel_id)
    if channel is None or delivery.progress.get("left"):
        return _to(delivery, str(report.published_by))
    with delivery.db.reading() as session:
        known = people.known_channel(session, delivery.team_id, channel)
    is_archived = known is not None and known.is_archived
    return _to(delivery, str(report.published_by)) if is_archived else channel


def _there(delivery: Delivery, put: Callable[[str], object]) -> None:
    """Have something put into the place for a version, or where it goes when that place refuses it."""
    found, incident, report = _version(delivery)
    try:
        put(_place(delivery, found, incident, report))
    except SlackApiError as error:
        if error.response.get("error") not in NO_PLACE or delivery.progress.get("left"):
            raise
        delivery.note(left=True)
        put(_place(delivery, found, incident, report))


def share_version(delivery: Delivery) -> None:
    """Say in the incident's channel that it is out, and thank those who contributed."""
    message = views.published(_version(delivery)[2])
    _there(delivery, lambda channel: delivery.post_once(channel, f"post:{channel}", **message))


def upload_version(delivery: Delivery) -> None:
    """Put the document there, to read and to keep."""
    _, incident, report = _version(delivery)
    files = [exporting.file_of(report, form) for form in ("html", "md")]
    comment = f"{incident.key}: the document of version {report.version}."
    _there(delivery, lambda channel: share_once(delivery, channel, files, comment, f"files:{channel}"))


def post_brief(delivery: Delivery) -> None:
    """Post the brief where the team reads them, the first time; later versions change that message.

    A private incident's brief goes nowhere.
    """
    _, incident, report = _version(delivery)
    settings = delivery.extras["settings"]
    where = publishing.brief_channel(settings, incident)
    if where is None:
        return
    message = views.brief(report)
    if report.version == 1:
        delivery.post_once(where, "brief", **message)
        return
    with delivery.db.reading() as session:
        first = outbox.by_key(session, delivery.team_id, f"post_brief:{delivery.payload['retro']}:1")
    ts = (first.progress if first is not None else {}).get("brief")
    if ts is None:
        delivery.post_once(where, "brief", **message)
        return
    try:
        delivery.client.chat_update(channel=where, ts=str(ts), **message)
    except SlackApiError as error:
        if error.response.get("error") not in NO_PLACE | {"message_not_found"}:
            raise
        delivery.post_once(where, "brief", **message)


# --- export ----------------------------------------------------------------------------------------------


def export_document(delivery: Delivery) -> None:
    """Give somebody the document as it is now, as a file in their direct messages."""
    wanted = delivery.payload
    with delivery.db.reading() as session:
        incident = incident_rows.by_id(session, wanted["incident"])
        if not incidents.may_see(session, incident, wanted["user"]):
            raise GiveUp("they are no longer in the private incident's channel")
        report = reports.current(session, incident, delivery.extras["books"])
    file = exporting.file_of(report, wanted["form"], anonymised=wanted["anonymised"])
    state = f"version {report.version}" if report.published_at is not None else "the draft"
    without = ", without people, channels and links; read it once before you pass it on" if wanted["anonymised"] else ""
    share_once(delivery, _to(delivery, wanted["user"]), [file], f"{incident.key}: {state}{without}.")
