"""What changed between two versions of a report, in words for a reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bot.report import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bot.report import Action, Entry, Factor, Report

_MOST: Final = 160
_INCIDENT: Final = {
    "title": "Title",
    "severity": "Severity",
    "services": "Services",
    "environment": "Environment",
    "status": "Status",
}


def difference(old: Report, new: Report) -> list[Change]:
    """Every difference a reader would care about, in the order of the document."""
    return [
        *_facts(old, new),
        *_compared("Milestone", _milestones(old), _milestones(new)),
        *_compared("Timeline", _timeline(old), _timeline(new)),
        *_compared("Answer", _answers(old), _answers(new)),
        *_accounts(old, new),
        *_compared("Factor", _factors(old), _factors(new)),
        *_compared("Action", _actions(old), _actions(new)),
    ]


def _facts(old: Report, new: Report) -> Iterator[Change]:
    for field, label in _INCIDENT.items():
        was, now = _said(getattr(old.incident, field)), _said(getattr(new.incident, field))
        if was != now:
            yield Change(part="Incident", how="changed", words=f"{label}: {_arrow(was, now)}")


def _said(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _milestones(report: Report) -> dict[str, dict[str, str]]:
    return {
        milestone.kind: {
            "": milestone.kind.capitalize(),
            "at": f"{milestone.at:%Y-%m-%d %H:%M} UTC",
            "note": milestone.note,
        }
        for milestone in report.milestones
    }


def _timeline(report: Report) -> dict[int, dict[str, str]]:
    return {entry.id: _entry(entry) for entry in report.timeline if entry.is_marked}


def _entry(entry: Entry) -> dict[str, str]:
    return {
        "": entry.text or "a deleted message",
        "time": f"{entry.at:%Y-%m-%d %H:%M} UTC",
        "kind": entry.kind,
        "key moment": "yes" if entry.is_key else "no",
    }


def _answers(report: Report) -> dict[tuple[str, str], dict[str, str]]:
    return {
        (section.key, answer.prompt): {
            "": answer.label or answer.heading,
            "text": answer.text,
            "other views": " / ".join(answer.other_views),
        }
        for section in report.sections
        for answer in section.answers
        if answer.text or answer.other_views
    }


def _accounts(old: Report, new: Report) -> Iterator[Change]:
    """Only that one was added or changed: whose is not for a list of changes."""
    was, now = list(old.accounts), list(new.accounts)
    fresh = [account for account in now if account not in was]
    gone = [account for account in was if account not in now]
    for _ in range(min(len(fresh), len(gone))):
        yield Change(part="Account", how="changed", words="An account was revised")
    for _ in fresh[len(gone) :]:
        yield Change(part="Account", how="added", words="An account was added")
    for _ in gone[len(fresh) :]:
        yield Change(part="Account", how="removed", words="An account was taken back")


def _factors(report: Report) -> dict[int, dict[str, str]]:
    statements = {factor.id: factor.statement for factor in report.factors}
    return {factor.id: _factor(factor, statements) for factor in report.factors}


def _factor(factor: Factor, statements: Mapping[int, str]) -> dict[str, str]:
    return {
        "": factor.statement,
        "role": factor.role.label,
        "category": factor.category.label if factor.category else "",
        "domain": factor.domain.label,
        "level": factor.level.label,
        "confidence": factor.confidence.label,
        "because of": statements.get(factor.because_of, "") if factor.because_of is not None else "",
        "evidence for": str(len(factor.evidence_for)),
        "evidence against": str(len(factor.evidence_against)),
        "another view": factor.another_view,
        "assumptions": factor.assumptions,
    }


def _actions(report: Report) -> dict[str, dict[str, str]]:
    return {action.key: _action(action, report) for action in report.actions}


def _action(action: Action, report: Report) -> dict[str, str]:
    return {
        "": f"{action.key} {action.what}",
        "owner": report.name(action.owner) if action.owner else "",
        "due": action.due.isoformat() if action.due else "",
        "kind": action.kind.label,
        "success criteria": action.success_criteria,
        "impact": action.impact.label if action.impact else "",
        "effort": action.effort.label if action.effort else "",
        "status": {"wont_do": "will not be done"}.get(action.status, action.status),
        "checked": action.checked_how,
        "effect": action.effect,
        "reason": action.wont_do_because,
    }


def _compared(part: str, old: Mapping[Any, dict[str, str]], new: Mapping[Any, dict[str, str]]) -> Iterator[Change]:
    """Each thing is its fields by name; the one without a name is how it is called."""
    for key in _in_order(old, new):
        if key not in old:
            yield Change(part=part, how="added", words=_called(new[key]))
        elif key not in new:
            yield Change(part=part, how="removed", words=_called(old[key]))
        elif old[key] != new[key]:
            changed = (
                f"{name}: {_arrow(was, new[key][name])}" if name else _arrow(was, new[key][""])
                for name, was in old[key].items()
                if was != new[key][name]
            )
            called = "" if old[key][""] != new[key][""] else f"{_short(new[key][''])} · "
            yield Change(part=part, how="changed", words=f"{called}{'; '.join(changed)}")


def _called(fields: Mapping[str, str]) -> str:
    """What a thing is called; an answer with its text, since the question alone says little."""
    return ": ".join(_short(part) for part in (fields[""], fields.get("text", "")) if part)


def _in_order(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Iterable[Any]:
    return [*new, *(key for key in old if key not in new)]


def _arrow(was: str, now: str) -> str:
    return f"{_short(was) or 'nothing'} → {_short(now) or 'nothing'}"


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _MOST else words[: _MOST - 1].rstrip() + "…"
