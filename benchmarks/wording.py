"""How well the wording help tells blame from plain reporting.

    python -m benchmarks.wording [--misses dev|test|own|strangers] [--speed]

Prints the share of ok sentences left alone and of blameful ones caught, and precision, each with a 95 % Wilson
interval, for these collections. What each can tell:

- published: sentences of published reports, split by a hash of their text; the rules were written looking at the
  `dev` half only. Hardly any of them is blameful.
- frozen: put down before the rules of today were written; their misses were not looked at, hence no `--misses` for
  them. But their author wrote many of these rules soon after and had them in mind: the share caught is an upper
  bound, and strangers' sentences fare worse (see `tests/data/wording_frozen.NOTICE.md`).
- strangers: written by an author who had not seen the rules, then used for tuning: an upper bound as well.
- held out: by the same author, never seen while writing the rules; shown when `wording_held.jsonl` is there. This is
  how well unseen text fares.
- own cases: the rules were written with them; they tell that nothing broke, not how well unseen text fares.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.table import Table

from bot.blameless import Remark, review

_DATA = Path(__file__).parent.parent / "tests" / "data"


@dataclass(frozen=True)
class Sentence:
    """One labelled sentence; `kind` is where it comes from."""

    text: str
    blameful: bool
    kind: str
    half: str
    borderline: bool

    @property
    def remarks(self) -> list[Remark]:
        return review(self.text, field="action" if self.kind == "action" else "finding")

    @property
    def right(self) -> bool:
        return bool(self.remarks) == self.blameful


def half_of(text: str) -> str:
    """The half a published sentence belongs to, by a hash of its text."""
    return "test" if int(hashlib.sha256(text.encode()).hexdigest(), 16) % 2 else "dev"


def published() -> list[Sentence]:
    """Sentences out of published reports and guides, with both halves."""
    rows = _rows("blame_sentences.jsonl")
    return [Sentence(r["text"], r["label"] == "blameful", r["kind"], half_of(r["text"]), r["borderline"]) for r in rows]


def own() -> list[Sentence]:
    """The project's own labelled cases."""
    rows = _rows("wording_cases.jsonl")
    return [Sentence(r["text"], r["label"] == "blameful", r["family"], "own", borderline=False) for r in rows]


def frozen() -> list[Sentence]:
    """Sentences that the authors of the rules did not look at."""
    rows = _rows("wording_frozen.jsonl")
    return [Sentence(r["text"], r["label"] == "blameful", r["kind"], "frozen", borderline=False) for r in rows]


def strangers() -> list[Sentence]:
    """Sentences by an author who had not seen the rules, used for tuning since."""
    return _by_kind("strangers")


def held() -> list[Sentence]:
    """Sentences never seen while writing the rules; none where their file is not."""
    return _by_kind("held") if (_DATA / "wording_held.jsonl").exists() else []


def _by_kind(name: str) -> list[Sentence]:
    rows = _rows(f"wording_{name}.jsonl")
    return [Sentence(r["text"], r["label"] == "blameful", r["why"], name, borderline=False) for r in rows]


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share."""
    if of == 0:
        return 0.0, 1.0
    z, share = 1.96, hits / of
    middle, spread = share + z * z / (2 * of), z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (middle - spread) / (1 + z * z / of), (middle + spread) / (1 + z * z / of)


def measured(sentences: Sequence[Sentence]) -> list[str]:
    """The figures of some sentences: ok left alone, blameful caught, precision."""
    ok = [s for s in sentences if not s.blameful]
    blameful = [s for s in sentences if s.blameful]
    caught = sum(s.right for s in blameful)
    hinted = caught + sum(not s.right for s in ok)
    return [_share(sum(s.right for s in ok), len(ok)), _share(caught, len(blameful)), _share(caught, hinted)]


def speed(length: int = 10_000, rounds: int = 20) -> float:
    """Milliseconds (median) for a text of this length, made of the published sentences."""
    text = " ".join(s.text for s in published())[:length]
    return 1000 * median(_seconds(text) for _ in range(rounds))


def _seconds(text: str) -> float:
    start = perf_counter()
    review(text)
    return perf_counter() - start


def _share(hits: int, of: int) -> str:
    low, high = wilson(hits, of)
    return f"{hits}/{of} = {hits / of:.1%} ({low:.0%}-{high:.0%})" if of else "-"


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (_DATA / name).read_text(encoding="utf-8").splitlines()]


def _groups(sentences: Sequence[Sentence]) -> Iterable[tuple[str, list[Sentence]]]:
    for half in ("dev", "test"):
        yield f"published, {half} half", [s for s in sentences if s.half == half]
    for kind in sorted(_kinds(sentences)):
        yield f"published, {kind}", [s for s in sentences if s.kind == kind]
    yield "published, without borderline", [s for s in sentences if not s.borderline]
    yield "frozen", frozen()
    yield from ((f"frozen, {kind}", [s for s in frozen() if s.kind == kind]) for kind in sorted(_kinds(frozen())))
    yield "strangers: used for tuning", strangers()
    if unseen := held():
        yield "held out: never seen while writing the rules", unseen
        yield from ((f"held out, {kind}", [s for s in unseen if s.kind == kind]) for kind in sorted(_kinds(unseen)))
    yield "own cases", own()


def _kinds(sentences: Sequence[Sentence]) -> set[str]:
    return {sentence.kind for sentence in sentences}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the wording help.")
    parser.add_argument("--misses", choices=["dev", "test", "own", "strangers"], help="list what was judged wrongly")
    parser.add_argument("--speed", action="store_true", help="time a text of 10,000 characters")
    wanted = parser.parse_args()
    console = Console()
    table = Table("sentences", "ok left alone", "blameful caught", "precision")
    for name, sentences in _groups(published()):
        table.add_row(name, *measured(sentences))
    console.print(table)
    if wanted.misses:
        for sentence in (s for s in [*published(), *own(), *strangers()] if s.half == wanted.misses and not s.right):
            hints = ", ".join(f"{r.rule}: {r.phrase}" for r in sentence.remarks) or "nothing found"
            print(f"{'blameful' if sentence.blameful else 'ok'} | {sentence.text} | {hints}")
    if wanted.speed:
        print(f"10,000 characters: {speed():.1f} ms")


if __name__ == "__main__":
    main()
