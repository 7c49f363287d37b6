"""`seamark check`: what is missing or wrong, in words, before anybody needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from bot import evidence_links, guides, manifest, policy, reaching, taxonomy
from bot.databases import NoDatabase, existing
from bot.errors import Refusal
from bot.nudge_cases import gone
from bot.settings import Settings
from storage import migrate, nudges, outbox
from storage.db import Database

MOST_SKEW_SECONDS = 60
"""Slack refuses nothing over this, but times on a timeline would be visibly off; a signature fails at 300."""


LATELY = timedelta(days=1)
"""A delivery that was given up is a trouble for so long; later it is history."""

MOST_GIVEN_UP = 100


@dataclass(frozen=True)
class Finding:
    """One line of the check: `what` was looked at, whether it is `well`, and what to do otherwise."""

    what: str
    well: bool
    words: str


def check(settings: Settings, wrong: Mapping[str, Sequence[str]], now: Callable[[], datetime]) -> Iterator[Finding]:
    """Look at tokens, scopes, events, the clock, the team's files, the database, its migrations and deliveries.

    `wrong` is what `settings.read` found wrong, by field: it is told, and what needs such a field is not tried.
    """
    for sentences in wrong.values():
        yield from (Finding("Settings", False, sentence) for sentence in sentences)
    if not wrong.keys() & {"bot_token", "slack_api_url"}:
        yield from _slack(settings, now, transport=not wrong.keys() & {"app_token", "port"})
    if "guides_folder" not in wrong:
        yield from _files(settings)
    if "database_url" not in wrong:
        yield from _database(settings, now())


def _slack(settings: Settings, now: Callable[[], datetime], *, transport: bool) -> Iterator[Finding]:
    client = WebClient(token=settings.bot_token, base_url=settings.slack_api_url, timeout=10, retry_handlers=[])
    try:
        answer = client.auth_test()
    except SlackApiError as error:
        words = f"Slack refuses SLACK_BOT_TOKEN ({error.response.get('error')}): copy it anew from Install App."
        yield Finding("Bot token", False, words)
        return
    except (SlackClientError, OSError) as error:
        yield Finding("Slack", False, reaching.away(settings.slack_api_url, error))
        return
    yield Finding("Bot token", True, f"workspace {answer.get('team')}, bot {answer.get('user')}")
    yield _scopes(answer.headers)
    yield _clock(answer.headers, now())
    if transport:
        yield from _transport(settings)


def _header(headers: Any, name: str) -> str:
    return next((str(value) for key, value in headers.items() if key.lower() == name), "")


def _scopes(headers: Any) -> Finding:
    granted = {scope.strip() for scope in _header(headers, "x-oauth-scopes").split(",") if scope.strip()}
    missing = sorted(manifest.bot_scopes() - granted)
    if missing:
        words = f"missing {', '.join(missing)}: put the manifest in again (`seamark manifest`) and reinstall the app."
        return Finding("Scopes", False, words)
    extra = sorted(granted - manifest.bot_scopes())
    return Finding("Scopes", True, "all granted" + (f"; not needed: {', '.join(extra)}" if extra else ""))


def _clock(headers: Any, now: datetime) -> Finding:
    try:
        skew = abs((now - parsedate_to_datetime(_header(headers, "date"))).total_seconds())
    except ValueError:
        return Finding("Clock", True, "Slack's answer had no date to compare with")
    if skew > MOST_SKEW_SECONDS:
        return Finding("Clock", False, f"differs from Slack's by {skew:.0f} seconds: set this machine's clock (NTP).")
    return Finding("Clock", True, f"within {max(skew, 1):.0f} s of Slack's")


def _transport(settings: Settings) -> Iterator[Finding]:
    events = ", ".join(manifest.load()["settings"]["event_subscriptions"]["bot_events"])
    if not settings.socket_mode:
        words = f"Slack must reach POST /slack/events on port {settings.port}, and be subscribed to: {events}."
        yield Finding("Events over HTTP", True, f"cannot be seen from here. {words}")
        return
    client = WebClient(base_url=settings.slack_api_url, timeout=10, retry_handlers=[])
    try:
        client.apps_connections_open(app_token=settings.app_token)
    except SlackApiError as error:
        words = f"Slack refuses SLACK_APP_TOKEN ({error.response.get('error')}): it needs the scope connections:write."
        yield Finding("App token", False, words)
    except (SlackClientError, OSError) as error:
        yield Finding("App token", False, f"not tried, for Slack {reaching.away(settings.slack_api_url, error)}")
    else:
        yield Finding("App token", True, "opens a connection")
        yield Finding("Events", True, f"Slack does not tell which are subscribed; the manifest asks for: {events}.")


def _files(settings: Settings) -> Iterator[Finding]:
    folders = [settings.guides_folder] if settings.guides_folder else []
    yield _file("Guides", lambda: [guide.name for guide in guides.load(*folders).values()])
    yield _file("Policy", lambda: [one.key for one in policy.load(*folders).severities])
    yield _file("Taxonomy", lambda: [one.label for one in taxonomy.load(*folders).domains])
    yield _file("Links", lambda: [link.kind for link in evidence_links.patterns_of(settings.guides_folder).links])


def _file(what: str, read: Callable[[], Iterable[str]]) -> Finding:
    """What a file, of the team or shipped, names; or what is wrong with it."""
    try:
        return Finding(what, True, ", ".join(dict.fromkeys(read())))
    except Refusal as fault:
        return Finding(what, False, fault.sentence)


def _database(settings: Settings, now: datetime) -> Iterator[Finding]:
    try:
        db = existing(settings.database_url)
    except NoDatabase:
        yield _none_yet(make_url(settings.database_url).database or "")
        return
    try:
        missing = migrate.pending(db)
        words = f"{len(missing)} to run: `seamark run` does it when it starts, or `seamark db upgrade`."
        yield Finding("Database", True, f"{db.engine.dialect.name} answers")
        yield Finding("Migrations", True, words if missing else "up to date")
        if not missing:
            yield _deliveries(db, now)
            yield from _reminders(db)
    except SQLAlchemyError as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        yield Finding("Database", False, f"does not answer: {reason}. Look at DATABASE_URL.")
    finally:
        db.close()


def _none_yet(file: str) -> Finding:
    """A file that is still to be made is no fault; a folder that it cannot be made in is one."""
    folder = Path(file).absolute().parent
    if not folder.is_dir():
        return Finding("Database", False, f"there is no folder {folder} to make it in. Look at DATABASE_URL.")
    return Finding("Database", True, f"none at {file} yet: `seamark run` makes it when it starts.")


def _deliveries(db: Database, now: datetime) -> Finding:
    with db.reading() as session:
        waiting, failed = outbox.counts(session).get("pending", 0), outbox.failed(session, most=MOST_GIVEN_UP)
    lately = [item for item in failed if item.finished_at is None or item.finished_at > now - LATELY]
    earlier = [item for item in failed if item not in lately]
    before = f"; {len(earlier)} earlier" if earlier else ""
    if lately:
        reasons = "; ".join(f"{item.kind}: {item.error}" for item in lately[:3])
        return Finding("Deliveries", False, f"given up within a day: {reasons}{before}.")
    latest = f", the latest {earlier[0].kind}: {earlier[0].error}" if earlier else ""
    return Finding("Deliveries", True, f"{waiting} waiting, none given up within a day{before}{latest}")


def _reminders(db: Database) -> Iterator[Finding]:
    """Whose reminders go to others; they are no fault of the machine."""
    with db.reading() as session:
        away = nudges.owners_away(session)
    if away:
        told = "; ".join(f"{one.name} {gone(deactivated=one.deactivated, unreachable=one.unreachable)}" for one in away)
        yield Finding("Reminders", True, f"{told}: asked in their place are the facilitators")
