"""The tables. Every row carries its workspace (`team_id`); every moment is aware and UTC.

Texts of timeline entries are Slack's (escaped, with `<@U…>` and links); answers, factors and actions
are what was typed into a dialog, as typed.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import JSON, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def _json() -> Any:
    return Field(sa_column=Column(JSON, nullable=False))


class Person(SQLModel, table=True):
    """Somebody of the workspace, as `users.info` last told; `zone` is an IANA name.

    `unreachable` is Slack's word when it refused a direct message to them for good.
    """

    team_id: str = Field(primary_key=True)
    user_id: str = Field(primary_key=True)
    name: str
    zone: str = "UTC"
    is_bot: bool = False
    is_guest: bool = False
    deactivated: bool = False
    unreachable: str | None = None
    refreshed_at: datetime


class Channel(SQLModel, table=True):
    """A channel the bot knows; `captured_until` is the `ts` up to which nothing was missed when it last looked."""

    team_id: str = Field(primary_key=True)
    channel_id: str = Field(primary_key=True)
    name: str = ""
    topic: str = ""
    is_private: bool = False
    is_archived: bool = False
    bot_is_member: bool = True
    captured_until: str | None = None


class Membership(SQLModel, table=True):
    """Who is in which channel: what makes a private incident private without asking Slack."""

    team_id: str = Field(primary_key=True)
    channel_id: str = Field(primary_key=True)
    user_id: str = Field(primary_key=True)


class IncidentKind(StrEnum):
    INCIDENT = "incident"
    NEAR_MISS = "near_miss"
    DRILL = "drill"


class IncidentStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class Incident(SQLModel, table=True):
    """`covers_from`: what was said in its channel before then is none of its own; None when all of it is."""

    __table_args__: ClassVar[Any] = (
        UniqueConstraint("team_id", "number"),
        UniqueConstraint("team_id", "source_key"),
        Index(None, "team_id", "channel_id"),
        Index(None, "team_id", "status"),
        Index(None, "team_id", "next_look_at"),
    )
    id: int = Field(default=None, primary_key=True)
    team_id: str
    number: int
    source_key: str
    title: str
    kind: str = IncidentKind.INCIDENT
    severity: str = "SEV3"
    services: list[str] = _json()
    environment: str = ""
    summary: str = ""
    is_private: bool = False
    status: str = IncidentStatus.OPEN
    channel_id: str | None = None
    own_channel: bool = True
    declared_in: str = ""
    declared_by: str
    declared_at: datetime
    closed_by: str | None = None
    closed_at: datetime | None = None
    covers_from: datetime | None = None
    opening_ts: str | None = None
    update_due_at: datetime | None = Field(default=None, index=True)
    last_update: str = ""
    last_update_at: datetime | None = None
    next_look_at: datetime | None = None

    @property
    def key(self) -> str:
        return f"INC-{self.number}"

    @property
    def place(self) -> str | None:
        """The channel whose members may know of it and read of it there; see `storage.visibility`."""
        return self.channel_id or (None if self.own_channel else self.declared_in or None)


class IncidentRole(SQLModel, table=True):
    """Who has which role (`lead`, `comms`, `scribe`, …) in an incident now; the timeline has the history."""

    __tablename__: ClassVar[Any] = "incident_role"
    incident_id: int = Field(primary_key=True, foreign_key="incident.id")
    role: str = Field(primary_key=True)
    team_id: str
    user_id: str
    since: datetime


class Entry(SQLModel, table=True):
    """One thing that happened, as somebody said it: a line of the timeline.

    `happened_at` is the event's time, `said_at` the message's, `recorded_at` ours. `version` is the `ts`
    of the edit that `text` shows ("" for the original); a deleted one keeps its row and loses its text.
    """

    __table_args__: ClassVar[Any] = (
        UniqueConstraint("team_id", "source_key"),
        Index(None, "incident_id", "happened_at", "id"),
        Index(None, "incident_id", "is_marked", "happened_at"),
        Index(None, "incident_id", "kind"),
    )
    id: int = Field(default=None, primary_key=True)
    team_id: str
    incident_id: int = Field(foreign_key="incident.id")
    source_key: str
    channel_id: str
    ts: str | None = None
    thread_ts: str | None = None
    author_id: str | None = None
    app_name: str | None = None
    kind: str
    text: str = ""
    happened_at: datetime
    said_at: datetime | None = None
    recorded_at: datetime
    via: str = "message"
    subtype: str | None = None
    version: str = ""
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    permalink: str | None = None
    files: list[dict[str, Any]] = _json()
    is_marked: bool = False
    is_key: bool = False
    is_placeholder: bool = False


class EntryRevision(SQLModel, table=True):
    """What an entry said before or after a change; `version` is Slack's edit `ts` or the command's key."""

    __tablename__: ClassVar[Any] = "entry_revision"
    __table_args__: ClassVar[Any] = (UniqueConstraint("entry_id", "version"),)
    id: int = Field(default=None, primary_key=True)
    team_id: str
    entry_id: int = Field(foreign_key="entry.id", index=True)
    version: str
    text: str
    kind: str
    happened_at: datetime
    changed_by: str | None = None
    changed_at: datetime


class Mark(SQLModel, table=True):
    """Somebody said that an entry matters, in one `way` (`command`, `reaction:pushpin`, `pin`, …).

    `changed` is the `ts` (or time) of the last word on it, so that a late "added" cannot undo a "removed".
    `undone`: taken back here, while its emoji or pin may still stand in Slack.
    """

    __table_args__: ClassVar[Any] = (UniqueConstraint("entry_id", "marker_id", "way"),)
    id: int = Field(default=None, primary_key=True)
    team_id: str
    entry_id: int = Field(foreign_key="entry.id", index=True)
    marker_id: str
    way: str
    kind: str | None = None
    changed: str
    marked_at: datetime
    removed_at: datetime | None = None
    removed_by: str | None = None
    undone: bool = False


class Evidence(SQLModel, table=True):
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("incident_id", "source_key"),
        Index(None, "entry_id"),
    )
    id: int = Field(default=None, primary_key=True)
    team_id: str
    incident_id: int = Field(foreign_key="incident.id")
    entry_id: int | None = Field(default=None, foreign_key="entry.id")
    source_key: str
    url: str
    label: str = ""
    kind: str = "link"
    added_by: str | None = None
    added_at: datetime


class MilestoneKind(StrEnum):
    STARTED = "started"
    DETECTED = "detected"
    ACKNOWLEDGED = "acknowledged"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"


class Milestone(SQLModel, table=True):
    incident_id: int = Field(primary_key=True, foreign_key="incident.id")
    kind: str = Field(primary_key=True)
    team_id: str
    at: datetime
    note: str = ""
    set_by: str
    set_at: datetime
    entry_id: int | None = Field(default=None, foreign_key="entry.id")


class AllowedSecret(SQLModel, table=True):
    """A fingerprint of what somebody said is no secret; never the text itself."""

    __tablename__: ClassVar[Any] = "allowed_secret"
    team_id: str = Field(primary_key=True)
    fingerprint: str = Field(primary_key=True)
    allowed_by: str
    allowed_at: datetime


class RetroStatus(StrEnum):
    DRAFT = "draft"
    REVIEW = "review"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class Retrospective(SQLModel, table=True):
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("incident_id"),
        Index(None, "team_id", "status"),
        Index(None, "team_id", "next_look_at"),
    )
    id: int = Field(default=None, primary_key=True)
    team_id: str
    incident_id: int = Field(foreign_key="incident.id")
    guide: str
    status: str = RetroStatus.DRAFT
    facilitator_id: str
    started_by: str
    started_at: datetime
    due_on: date
    meeting_at: datetime | None = None
    soak_until: datetime | None = None
    hub_channel_id: str | None = None
    hub_ts: str | None = None
    hub_link: str = ""
    published_at: datetime | None = None
    next_look_at: datetime | None = None


class Participant(SQLModel, table=True):
    """Somebody asked for an account. That they gave one is known; which one is theirs may not be."""

    retrospective_id: int = Field(primary_key=True, foreign_key="retrospective.id")
    user_id: str = Field(primary_key=True)
    team_id: str
    asked_at: datetime
    reminded_at: datetime | None = None
    answered: bool = False


class Review(SQLModel, table=True):
    retrospective_id: int = Field(primary_key=True, foreign_key="retrospective.id")
    user_id: str = Field(primary_key=True)
    team_id: str
    asked_at: datetime
    decision: str | None = None
    words: str = ""
    decided_at: datetime | None = None


class StepState(SQLModel, table=True):
    """How far one step of a retrospective is: `draft` (words kept) or `done`; no row means untouched."""

    __tablename__: ClassVar[Any] = "step_state"
    retrospective_id: int = Field(primary_key=True, foreign_key="retrospective.id")
    step: str = Field(primary_key=True)
    team_id: str
    state: str
    saved_by: str
    saved_at: datetime


class Answer(SQLModel, table=True):
    """What stands now for one prompt of a step; `version` counts the revisions."""

    __table_args__: ClassVar[Any] = (UniqueConstraint("retrospective_id", "step", "prompt"),)
    id: int = Field(default=None, primary_key=True)
    team_id: str
    retrospective_id: int = Field(foreign_key="retrospective.id")
    step: str
    prompt: str
    text: str = ""
    version: int = 0
    saved_by: str
    saved_at: datetime


class AnswerRevision(SQLModel, table=True):
    """Every text that was ever saved for a prompt; `based_on` is the version its writer had before them."""

    __tablename__: ClassVar[Any] = "answer_revision"
    __table_args__: ClassVar[Any] = (UniqueConstraint("answer_id", "version"),)
    id: int = Field(default=None, primary_key=True)
    team_id: str
    answer_id: int = Field(foreign_key="answer.id", index=True)
    version: int
    text: str
    based_on: int
    saved_by: str
    saved_at: datetime


class Account(SQLModel, table=True):
    """One participant's own account. Without a name there is no `user_id`, no time of day, no order of rows.

    `handle` is random; an unnamed account can be revised only by who holds it (it travels in their own DM).
    """

    handle: str = Field(primary_key=True)
    team_id: str
    retrospective_id: int = Field(foreign_key="retrospective.id", index=True)
    user_id: str | None = None
    answers: dict[str, str] = _json()
    saved_on: date


class Factor(SQLModel, table=True):
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("team_id", "source_key"),
        Index(None, "retrospective_id"),
    )
    id: int = Field(default=None, primary_key=True)
    team_id: str
    retrospective_id: int = Field(foreign_key="retrospective.id")
    source_key: str
    statement: str
    domain: str = "technical"
    level: str = "immediate"
    role: str = "condition"
    category: str = ""
    confidence: str = "hypothesis"
    because_of_id: int | None = Field(default=None, foreign_key="factor.id")
    another_view: str = ""
    assumptions: str = ""
    created_by: str
    created_at: datetime
    version: int = 1
    withdrawn_at: datetime | None = None


class FactorEvidence(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "factor_evidence"
    factor_id: int = Field(primary_key=True, foreign_key="factor.id")
    entry_id: int = Field(primary_key=True, foreign_key="entry.id")
    team_id: str
    against: bool = False


class ActionStatus(StrEnum):
    OPEN = "open"
    DONE = "done"
    VERIFIED = "verified"
    WONT_DO = "wont_do"


class ActionItem(SQLModel, table=True):
    """What was agreed to be done. `done` is what its doer says, `verified` what another person confirmed.

    `smoke` and `effect` are the answers to the later questions whether it holds and whether it helped.
    `next_look_at` is when a nudge rule next has something to decide: what a tick searches by.
    """

    __tablename__: ClassVar[Any] = "action_item"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("team_id", "number"),
        UniqueConstraint("team_id", "source_key"),
        Index(None, "team_id", "owner_id", "status"),
        Index(None, "incident_id"),
        Index(None, "team_id", "status", "due_on"),
        Index(None, "team_id", "next_look_at"),
    )
    id: int = Field(default=None, primary_key=True)
    team_id: str
    number: int
    source_key: str
    incident_id: int = Field(foreign_key="incident.id")
    retrospective_id: int | None = Field(default=None, foreign_key="retrospective.id")
    factor_id: int | None = Field(default=None, foreign_key="factor.id")
    what: str
    owner_id: str
    due_on: date
    kind: str = "prevent"
    success_criteria: str = ""
    impact: str = "medium"
    effort: str = "medium"
    status: str = ActionStatus.OPEN
    created_by: str
    created_at: datetime
    version: int = 1
    snoozed_until: date | None = None
    handover_to: str | None = None
    owner_since: datetime | None = None
    done_by: str | None = None
    done_at: datetime | None = None
    checked_how: str = ""
    verified_by: str | None = None
    verified_at: datetime | None = None
    smoke: str | None = None
    smoke_note: str = ""
    effect: str | None = None
    effect_note: str = ""
    wont_do_because: str = ""
    closed_at: datetime | None = None
    next_look_at: datetime | None = None

    @property
    def key(self) -> str:
        return f"ACT-{self.number}"


class ActionEvent(SQLModel, table=True):
    """The trace of an action: done, snoozed, handed over, … by whom, when, with which words."""

    __tablename__: ClassVar[Any] = "action_event"
    id: int = Field(default=None, primary_key=True)
    team_id: str
    action_id: int = Field(foreign_key="action_item.id", index=True)
    what: str
    words: str = ""
    by: str | None = None
    at: datetime


class Revision(SQLModel, table=True):
    """A whole earlier state of a factor, an action or a milestone, as JSON."""

    __table_args__: ClassVar[Any] = (UniqueConstraint("subject", "subject_id", "number"),)
    id: int = Field(default=None, primary_key=True)
    team_id: str
    subject: str
    subject_id: int
    number: int
    body: dict[str, Any] = _json()
    changed_by: str
    changed_at: datetime


class Nudge(SQLModel, table=True):
    """One reminder by one rule about one thing, planned once: the unique key is what makes it so.

    It waits (`bundle` is empty) until `not_before` and until its recipient's time is right; then it goes into
    the one message of that day, named `bundle`. `recipient_id` is a person's or a channel's.
    """

    __table_args__: ClassVar[Any] = (
        UniqueConstraint("team_id", "rule", "subject", "subject_id", "occurrence", "recipient_id"),
        Index(
            "ix_nudge_waiting",
            "team_id",
            "not_before",
            sqlite_where=text("bundle = ''"),
            postgresql_where=text("bundle = ''"),
        ),
        Index(
            "ix_nudge_under_way",
            "team_id",
            "bundle",
            sqlite_where=text("bundle <> '' AND settled_at IS NULL"),
            postgresql_where=text("bundle <> '' AND settled_at IS NULL"),
        ),
        Index(None, "team_id", "recipient_id", "bundle"),
        Index(None, "bundle"),
        Index(None, "subject", "subject_id"),
    )
    id: int = Field(default=None, primary_key=True)
    team_id: str
    rule: str
    subject: str
    subject_id: int
    occurrence: str
    recipient_id: str
    planned_at: datetime
    not_before: datetime
    bundle: str = ""
    settled_at: datetime | None = None
    sent_at: datetime | None = None
    channel_id: str | None = None
    message_ts: str | None = None
    failed: str | None = None


class OutboxState(StrEnum):
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class OutboxItem(SQLModel, table=True):
    """Something Seamark has decided to say or do in Slack.

    `lane` keeps the order (one channel, one person); `key` keeps it from being decided twice; `progress`
    is what a resumable delivery has done already; a worker holds it until `leased_until`.
    """

    __tablename__: ClassVar[Any] = "outbox"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("team_id", "key"),
        Index(
            "ix_outbox_pending",
            "lane",
            "id",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "ix_outbox_due",
            "not_before",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
    )
    id: int = Field(default=None, primary_key=True)
    team_id: str
    kind: str
    key: str
    lane: str
    payload: dict[str, Any] = _json()
    progress: dict[str, Any] = _json()
    state: str = OutboxState.PENDING
    created_at: datetime
    not_before: datetime
    attempts: int = 0
    leased_by: str | None = None
    leased_until: datetime | None = None
    finished_at: datetime | None = None
    error: str | None = None


class Receipt(SQLModel, table=True):
    """A request of Slack's that was carried out, so that its repeat is answered and not carried out again."""

    team_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    at: datetime
    result: dict[str, Any] = _json()


class DocumentVersion(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "document_version"
    __table_args__: ClassVar[Any] = (UniqueConstraint("retrospective_id", "number"),)
    id: int = Field(default=None, primary_key=True)
    team_id: str
    retrospective_id: int = Field(foreign_key="retrospective.id")
    number: int
    report: dict[str, Any] = _json()
    published_by: str
    published_at: datetime


class AuditEntry(SQLModel, table=True):
    """Who did, saw or approved what, when; each row carries the hash of the one before it."""

    __tablename__: ClassVar[Any] = "audit_entry"
    __table_args__: ClassVar[Any] = (UniqueConstraint("team_id", "number"),)
    id: int = Field(default=None, primary_key=True)
    team_id: str
    number: int
    at: datetime
    actor_id: str
    what: str
    subject: str
    detail: dict[str, Any] = _json()
    previous: str
    digest: str


class AuditHead(SQLModel, table=True):
    """Where a workspace's audit trail ends, so that taking its last entries away is found too."""

    __tablename__: ClassVar[Any] = "audit_head"
    team_id: str = Field(primary_key=True)
    number: int
    digest: str
