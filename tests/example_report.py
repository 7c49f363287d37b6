"""A report of a real incident, for the tests of documents.

Texts and times are those of `data/k8s_2019-02-05_prow_partial_outage.json` (kubernetes/test-infra, Apache-2.0;
source and licence are in the file). Ids, severity, due dates, owners, accounts and how factors hang together are
made up, since the source does not say.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bot import durations
from bot.report import (
    Account,
    Action,
    Answer,
    Channel,
    Entry,
    Factor,
    Incident,
    Link,
    Milestone,
    Person,
    Report,
    Risk,
    Section,
    Term,
)

SOURCE: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data/k8s_2019-02-05_prow_partial_outage.json").read_text("utf-8")
)
PERMALINK = "https://example.slack.com/archives/C0INC3/p15493852{:07d}"
PEOPLE = (
    Person(key="U1", name="Katharine", roles=("incident lead",)),
    Person(key="U2", name="stevekuznetsov", roles=("responder",)),
    Person(key="U3", name="Cole Wagner", roles=("responder",)),
    Person(key="U4", name="Ines Moreau"),
)
KINDS = (
    "change", "detection", "action", "action", "hypothesis", "data", "decision", "impact", "data", "change",
    "action", "data",
)  # fmt: skip
KEY_MOMENTS = {1, 5, 7}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def plain(text: str) -> str:
    return re.sub(r"\*\*|(?<=\w)\s{2,}", lambda found: "" if found[0] == "**" else " ", text)


def term(label: str) -> Term:
    return Term(key=re.sub(r"\W+", "_", label.lower()), label=label)


def entries() -> list[Entry]:
    people = {"@Katharine": "U1", "@stevekuznetsov": "U2"}
    marked = [
        Entry(
            id=number,
            at=at(line["at"]),
            kind=kind,
            text=plain(line["text"]),
            author=people.get(line["who"]),
            app=None if line["who"] else "Prow",
            marked_by=("U1",) if number % 3 else ("U1", "U3"),
            is_key=number in KEY_MOMENTS,
            permalink=PERMALINK.format(number),
        )
        for number, (line, kind) in enumerate(zip(SOURCE["timeline"], KINDS, strict=True), start=1)
    ]
    marked[9] = marked[9].model_copy(
        update={
            "evidence": (
                Link(
                    url="https://github.com/kubernetes/test-infra/pull/11137",
                    label="Fix namespace typo #11137",
                    kind="pull_request",
                ),
            )
        }
    )
    said = [
        Entry(
            id=21,
            at=at("2019-02-05T09:04:12-08:00"),
            kind="message",
            text="is anybody else's PR stuck?\nmine says <pending> & nothing moves",
            author="U3",
            is_marked=False,
            permalink=PERMALINK.format(21),
        ),
        Entry(
            id=22,
            at=at("2019-02-05T09:06:40-08:00"),
            kind="message",
            text="",
            author="U2",
            is_marked=False,
            deleted_at=at("2019-02-05T09:07:00-08:00"),
        ),
        Entry(
            id=23,
            at=at("2019-02-05T09:36:02-08:00"),
            kind="message",
            text="415 pods are in `default`: kubectl get pods -l created-by-prow=true | wc -l",
            author="U1",
            is_marked=False,
            edited_at=at("2019-02-05T09:37:00-08:00"),
            thread="1549388162.000100",
            permalink=PERMALINK.format(23),
        ),
    ]
    return [*marked, *said]


def sections() -> tuple[Section, ...]:
    impact = SOURCE["impact"].split(". ")
    return (
        Section(
            key="scope",
            title="Impact",
            answers=(
                Answer(
                    prompt="summary",
                    heading="Summary",
                    label="What happened, in three sentences?",
                    text=SOURCE["summary"],
                ),
                Answer(
                    prompt="impact",
                    heading="Impact",
                    label="What could people not do, and who noticed?",
                    text=f"{impact[0]}. {impact[1]}.",
                ),
                Answer(
                    prompt="visible",
                    heading="Impact",
                    label="For how long could users notice it?",
                    text="47 minutes, from the deploy at 08:47 to 09:34",
                ),
                Answer(
                    prompt="affected",
                    heading="Impact",
                    label="How many were affected?",
                    text="415 jobs were unable to start",
                ),
                Answer(
                    prompt="partial",
                    heading="Impact",
                    label="What kept working?",
                    text=SOURCE["went_well"][0],
                ),
            ),
        ),
        Section(
            key="milestones",
            title="Detection and response",
            kind="milestones",
            answers=(
                Answer(
                    prompt="detected_by",
                    heading="Detection",
                    label="How did we first get to know?",
                    text="A colleague noticed while doing something else",
                    chosen=("colleague",),
                ),
                Answer(
                    prompt="first_signal",
                    heading="Detection",
                    label="What was the first signal, and what made it stand out?",
                    text=SOURCE["detection"],
                ),
                Answer(
                    prompt="longest",
                    heading="Response",
                    label="Which stretch took longest, and what filled it?",
                    text=SOURCE["resolution"],
                ),
            ),
        ),
        Section(key="timeline", title="Timeline", kind="timeline"),
        Section(key="accounts", title="Accounts", kind="accounts"),
        Section(
            key="learning",
            title="What we learned",
            answers=(
                Answer(prompt="helped", heading="What helped", text="\n".join(SOURCE["went_well"])),
                Answer(
                    prompt="hard",
                    heading="What made it hard",
                    text="\n\n".join(SOURCE["went_wrong"]),
                    other_views=("The two rollouts were one change to us; that was the hard part.",),
                ),
                Answer(prompt="went_our_way", heading="What went our way", text="\n".join(SOURCE["lucky"])),
            ),
        ),
        Section(
            key="factors",
            title="Contributing factors",
            kind="factors",
            answers=(
                Answer(
                    prompt="limitations",
                    heading="Assumptions and limitations",
                    label="What could this review not look at?",
                    text="How many PRs still miss a status was not counted.",
                ),
            ),
        ),
        Section(key="actions", title="Actions", kind="actions"),
        Section(
            key="review",
            title="Communication and review",
            kind="review",
            answers=(
                Answer(
                    prompt="terms",
                    heading="Terms",
                    text="Prow: the system that runs our builds\nplank: the part of Prow that starts jobs",
                ),
                Answer(prompt="told", heading="Communication plan", text="All of engineering, Product"),
            ),
        ),
    )


def factors() -> tuple[Factor, ...]:
    def factor(number: int, statement: str, role: str, category: str, confidence: str, **more: Any) -> Factor:
        fields = {"domain": term("Technical"), "level": term("Immediate")} | more
        return Factor(
            id=number,
            statement=statement,
            role=term(role),
            category=term(category),
            confidence=term(confidence),
            **fields,
        )

    return (
        factor(
            1,
            "Plank created pods in the default namespace, where the secrets they mount are not present.",
            "Condition", "Design", "Confirmed", because_of=2, evidence_for=(6, 9),
        ),
        factor(
            2,
            "A refactor of the Kubernetes clients read ProwJobNamespace instead of PodNamespace.",
            "Trigger", "Change", "Confirmed", because_of=3, evidence_for=(10, 1), evidence_against=(4,),
        ),
        factor(
            3,
            "Every earlier deployment of it set both namespaces to the same value, so tests and reviews saw no"
            " difference.",
            "Condition", "Test gap", "Supported", evidence_for=(10,), level=term("Systemic"),
            assumptions="Nobody runs plank with two namespaces elsewhere.",
        ),
        factor(
            4,
            "Prow approves and deploys itself: the rollback waited for the system that was down.",
            "Condition", "Design", "Supported", evidence_for=(4, 5), level=term("Systemic"),
            another_view="The manual deploy script is the way out, and it worked.",
        ),
        factor(
            5,
            "An older branchprotector ran and took the new branch protection settings back.",
            "Condition", "Coordination and hand-off", "Hypothesis", domain=term("Process"), because_of=6,
            evidence_for=(12,),
        ),
        factor(
            6,
            "Two rollouts depended on an order that only a note asked for: branchprotector at least four hours"
            " before anything else.",
            "Condition", "Coordination and hand-off", "Supported", domain=term("Process"),
            level=term("Systemic"),
        ),
        factor(
            7,
            "Someone who knew the deploy script was at their desk at nine.",
            "Mitigator", "What went our way", "Supported", domain=term("Organizational"), evidence_for=(7,),
        ),
        factor(
            8, "GitHub was slow to deliver webhooks that morning.", "Trigger", "External", "Refuted",
            evidence_against=(2, 6),
        ),
    )  # fmt: skip


def actions() -> tuple[Action, ...]:
    return (
        Action(
            key="ACT-1",
            what=plain(SOURCE["actions"][0]["text"]),
            owner="U1",
            due=date(2019, 2, 20),
            kind=term("Prevent"),
            addresses=5,
            success_criteria="The next rollout keeps the new settings for a day.",
            impact=term("High"),
            effort=term("Low"),
            is_quick_win=True,
            status="verified",
            done_at=at("2019-02-12T11:00:00-08:00"),
            checked_how="Rolled out twice in staging",
            verified_by="U3",
            verified_at=at("2019-02-13T09:00:00-08:00"),
        ),
        Action(
            key="ACT-10",
            what="Add a test that runs plank with two different namespaces",
            owner="U2",
            due=date(2019, 3, 7),
            kind=term("Detect"),
            addresses=3,
            success_criteria="The test fails on the refactor of 4 February.",
            impact=term("Medium"),
            effort=term("Medium"),
        ),
        Action(
            key="ACT-2",
            what="Let the deploy job run outside of Prow",
            kind=term("Mitigate"),
            addresses=4,
            impact=term("High"),
            effort=term("High"),
            status="wont_do",
            wont_do_because="The manual script takes four minutes, and we now rehearse it.",
        ),
    )


def prow(**changes: Any) -> Report:
    """The report; `changes` replace its parts."""
    times = {kind: at(moment) for kind, moment in SOURCE["key_times"].items() if moment}
    parts: dict[str, Any] = {
        "incident": Incident(
            number=3,
            key="INC-3",
            title=SOURCE["title"],
            severity="SEV2",
            services=("prow", "branchprotector"),
            environment="production",
            channel=Channel(name="inc-3-prow-outage", url="https://example.slack.com/archives/C0INC3"),
            declared_at=at("2019-02-05T08:59:00-08:00"),
            closed_at=at("2019-02-05T14:40:00-08:00"),
        ),
        "zone": "America/Los_Angeles",
        "people": PEOPLE,
        "facilitator": "U4",
        "guide": Term(key="standard", label="Standard"),
        "milestones": tuple(Milestone(kind=kind, at=moment, set_by="U1") for kind, moment in times.items()),
        "durations": durations.between(times),
        "risk": Risk(
            likelihood=term("Possible"), consequence=term("Major"), score=6, band=Term(key="high", label="High")
        ),
        "timeline": tuple(entries()),
        "sections": sections(),
        "accounts": (
            Account(
                person="U3",
                answers=(
                    Answer(
                        prompt="thinking",
                        heading="What I thought was happening",
                        text="That GitHub was slow. Then Katharine said that the rollback was stuck as well.",
                    ),
                ),
            ),
            Account(
                answers=(
                    Answer(
                        prompt="hard",
                        heading="What made it hard",
                        text="I did not know whom to ask before nine.",
                    ),
                ),
            ),
        ),
        "factors": factors(),
        "actions": actions(),
        "limitations": ("Direct messages and calls are not part of the record.",),
        "thanks": ("U1", "U2", "U3"),
        "published_at": at("2019-02-08T16:00:00-08:00"),
        "published_by": "U4",
    }
    return Report(**(parts | changes))
