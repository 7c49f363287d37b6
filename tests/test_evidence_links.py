from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import redaction
from bot.evidence_links import (
    FaultyPatterns,
    Link,
    LinkKind,
    classify_app_message,
    default_patterns,
    links,
    load_patterns,
    patterns_of,
    safe_url,
)
from bot.kinds import Kind

PULL = "https://github.com/acme/shop/pull/7"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("no link, foo://bar, example.com", []),
        (f"see {PULL}", [Link(PULL, "", LinkKind.PULL_REQUEST)]),
        (f"see <{PULL}>", [Link(PULL, "", LinkKind.PULL_REQUEST)]),
        (f"see <{PULL}|the fix>", [Link(PULL, "the fix", LinkKind.PULL_REQUEST)]),
        (f"<{PULL}|{PULL}>", [Link(PULL, "", LinkKind.PULL_REQUEST)]),
        (f"<{PULL}|a &lt;b&gt; &amp;\nc>", [Link(PULL, "a <b> & c", LinkKind.PULL_REQUEST)]),
        (f"<{PULL}> and <{PULL}|the fix>, {PULL}.", [Link(PULL, "the fix", LinkKind.PULL_REQUEST)]),
        (f"({PULL}), *{PULL}*", [Link(PULL, "", LinkKind.PULL_REQUEST)]),
        (
            "https://x.io/a_(b) https://x.io/c)",
            [Link("https://x.io/a_(b)", "", LinkKind.LINK), Link("https://x.io/c", "", LinkKind.LINK)],
        ),
        ("<https://x.io/?a=1&amp;b=2>", [Link("https://x.io/?a=1&b=2", "", LinkKind.LINK)]),
        ("<mailto:a@x.io|a@x.io> <@U123> <#C1|x> <tel:1|1> <!here>", []),
        ("HTTPS://X.io/A", [Link("HTTPS://X.io/A", "", LinkKind.LINK)]),
        (f"`{PULL}`", [Link(PULL, "", LinkKind.PULL_REQUEST)]),
    ],
)
def test_links_are_found_in_slack_text(text: str, found: list[Link]) -> None:
    assert links(text) == found


def test_link_whose_token_was_masked_stays_whole() -> None:
    masked = redaction.mask("<https://grafana.io/d/x/y?token=a1b2c3d4&amp;orgId=1|board>").text
    assert links(masked) == [Link("https://grafana.io/d/x/y?token=masked&orgId=1", "board", LinkKind.DASHBOARD)]


@pytest.mark.parametrize("pattern", default_patterns().links, ids=lambda pattern: pattern.name)
def test_shipped_pattern_has_examples_that_no_earlier_one_takes(pattern: object) -> None:
    (known,) = [one for one in default_patterns().links if one is pattern]
    assert known.examples
    assert {default_patterns().kind_of(example) for example in known.examples} == {known.kind}


def test_shipped_patterns_know_every_kind() -> None:
    assert {pattern.kind for pattern in default_patterns().links} == set(LinkKind) - {LinkKind.LINK}


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://acme.slack.com/archives/C1/p1", LinkKind.LINK),
        ("https://github.com/acme/shop", LinkKind.LINK),
        ("https://evil.example.com/?x=github.com/acme/shop/pull/7", LinkKind.LINK),
        ("https://github.com:443/acme/shop/pull/7", LinkKind.PULL_REQUEST),
        ("https://x@github.com/acme/shop/pull/7", LinkKind.PULL_REQUEST),
        ("https://GitHub.com/acme/shop/pull/7", LinkKind.PULL_REQUEST),
        ("https://github.com/kubernetes/sig-release/pull/467#issuecomment-461994843", LinkKind.PULL_REQUEST),
        ("https://github.com/kubernetes/test-infra/blob/master/prow/config.yaml#L41", LinkKind.FILE),
        ("https://github.com/acme/shop/blob/4f2c1d0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e/x.py#L3-L9", LinkKind.FILE),
        ("https://github.com/acme/shop/blob/main/commit/x.py", LinkKind.FILE),
        ("https://github.com/acme/shop/blob/main/.github/actions/x.yml", LinkKind.FILE),
        ("https://bitbucket.org/acme/shop/pull-requests/7/diff#chg-app/src/x.py", LinkKind.PULL_REQUEST),
        ("https://bitbucket.org/acme/shop/commits/4f2c1d0#Lapp/src/x.py", LinkKind.COMMIT),
        ("https://github.com/acme/shop/commits/main", LinkKind.COMMIT),
        ("https://gitlab.com/acme/shop/-/blob/main/x.py#L3", LinkKind.FILE),
        ("https://stackoverflow.com/a/8675459/1798683", LinkKind.LINK),
    ],
)
def test_kind_goes_by_host_and_path(url: str, kind: LinkKind) -> None:
    assert default_patterns().kind_of(url) == kind


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://x.io", "https://x.io"),
        (" http://x.io/a?b#c ", "http://x.io/a?b#c"),
        ("https://x.io/a|b<c>\"d'`", "https://x.io/a%7Cb%3Cc%3E%22d%27%60"),
        ("https://x.io/ü", "https://x.io/ü"),
        ("javascript:alert(1)", None),
        ("JavaScript:alert(1)//https://x.io", None),
        ("data:text/html,x", None),
        ("file:///etc/passwd", None),
        ("ftp://x.io", None),
        ("//x.io", None),
        ("x.io", None),
        ("https://", None),
        ("https:///x", None),
        ("https://[::1", None),
        ("https://x.io:port/", None),
        ("https://x.io/a b", None),
        ("https://x.io/\n", "https://x.io/"),
        ("https://x.io/a\nb", None),
        ("https://x.io\\@evil.io", None),
        ("", None),
    ],
)
def test_only_whole_web_addresses_are_safe(url: str, safe: str | None) -> None:
    assert safe_url(url) == safe


PIECES = st.sampled_from(
    [
        "<",
        ">",
        "|",
        "https://",
        "http://",
        "x.io",
        "/",
        ":",
        "[",
        "]",
        "(",
        ")",
        ".",
        "&amp;",
        " ",
        "\n",
        "@",
        "a",
        '"',
        "[masked: token]",
    ]
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=20).map("".join)))
def test_links_are_safe_and_each_is_there_once(text: str) -> None:
    found = [link.url for link in links(text)]
    assert [safe_url(url) for url in found] == found
    assert len(set(found)) == len(found)
    assert not any(sign in url for url in found for sign in "<>|\"'` \n")


def test_teams_own_patterns_are_asked_first(tmp_path: Path) -> None:
    own = tmp_path / "links.yml"
    own.write_text(
        "links:\n  - {name: Bench, kind: trace, hosts: [bench.acme.io], examples: ['https://bench.acme.io/1']}\n"
        "  - {name: Ours, kind: deploy, hosts: [github.com], paths: ['/acme/deploys/*']}\n"
    )
    patterns = patterns_of(tmp_path)
    text = f"https://bench.acme.io/9 https://github.com/acme/deploys/pull/3 {PULL}"
    assert [link.kind for link in links(text, patterns=patterns)] == ["trace", "deploy", "pull_request"]


@pytest.mark.parametrize(
    ("written", "line", "reason"),
    [
        ("links:\n  - name: A\n    kind: graph\n    hosts: [a]\n", 3, "links → 1 → kind: Input should be "),
        ("links:\n  - name: A\n    hosts: [a]\n", 2, "links → 1 → kind is missing."),
        ("links:\n  - {name: A, kind: log, host: a}\n", 2, "links → 1 → host is not known here."),
        ("links:\n\n  - {name: A, kind: log}\n", 3, "links → 1: `A` fits every link: give it hosts or paths."),
        (
            "links:\n  - {name: A, kind: log, hosts: [a.io], examples: ['https://b.io']}\n",
            2,
            "links → 1: the example https://b.io does not fit `A`.",
        ),
        ("links: [\n", 2, "is not valid YAML: "),
        ("- links\n", 1, "must be a mapping, starting with "),
    ],
)
def test_faulty_file_is_refused_with_line_and_reason(tmp_path: Path, written: str, line: int, reason: str) -> None:
    own = tmp_path / "links.yml"
    own.write_text(written)
    with pytest.raises(FaultyPatterns) as refused:
        load_patterns(own)
    assert (refused.value.file, refused.value.line) == (str(own), line)
    assert refused.value.reason.startswith(reason)


@pytest.mark.parametrize(
    ("app", "text", "kind"),
    [
        ("PagerDuty", "Triggered #123: checkout 5xx", Kind.DETECTION),
        ("PagerDuty", "Resolved #123: checkout 5xx", None),
        ("Grafana", "[FIRING:1] CheckoutErrors", Kind.DETECTION),
        ("Grafana", "[RESOLVED] CheckoutErrors", None),
        ("Datadog", "Recovered: p99 latency on shop", None),
        ("Alertmanager prod", "KubePodCrashLooping", Kind.DETECTION),
        ("Argo CD", "Application shop is now running version 4f2", Kind.CHANGE),
        ("GitHub", "ben deployed shop to production", Kind.CHANGE),
        ("GitHub", "Pull request merged by ben: Bump prow", Kind.CHANGE),
        ("GitHub", "New issue opened by ben", None),
        ("prow", "*Warning:* Katharine (&lt;@U1&gt;) manually merged 2 commit(s) into master", Kind.CHANGE),
        ("Jenkins", "shop #57 failed", None),
        ("LaunchDarkly", "ben turned on flag new-cart", Kind.CHANGE),
        ("home-made", ":rotating_light: disk is full", Kind.DETECTION),
        ("Polly", "What shall we have for lunch?", None),
        ("", "", None),
    ],
)
def test_message_of_another_app_is_an_alert_or_a_deploy(app: str, text: str, kind: Kind | None) -> None:
    assert classify_app_message(app, text) == kind
