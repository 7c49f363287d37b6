from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.redaction import HOSTILE, harmless, messages, planted
from bot.redaction import Finding, fingerprint, mask

XOXB = "xox" + "b-" + "123456789012-1234567890123-" + "a1B2c3D4e5F6g7H8i9J0k1L2"
AKIA = "AK" + "IA" + "2345ABCD6789EFGH"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"use {XOXB} for now", "use [masked: Slack token] for now"),
        (f"key {AKIA}.", "key [masked: AWS key]."),
        ("password: hunter2", "password: [masked: password]"),
        ("*Password:* `hunter2`", "*Password:* `[masked: password]`"),
        ("the token is a1b2c3d4e5f6g7, ok?", "the token is [masked: token], ok?"),
        ("postgres://app:hunter2@db/app", "postgres://app:[masked: password]@db/app"),
        ("postgres://app:<mailto:hunter2@db.io|hunter2@db.io>/app", "postgres://app:[masked: password]/app"),
        ("redis://:p@ss:w0rd@cache", "redis://:[masked: password]@cache"),
        ("curl -u ci:hunter2 https://x.io", "curl -u ci:[masked: password] https://x.io"),
        ("<https://x.io/?token=a1b2c3d4&amp;y=1|the page>", "<https://x.io/?token=[masked: token]&amp;y=1|the page>"),
        ("Server=db;Password=hunter2;Timeout=3", "Server=db;Password=[masked: password];Timeout=3"),
        ("user=u,password=hunter2,db=x", "user=u,password=[masked: password],db=x"),
        ('{"user": "u", "password": "hunter two 2"}', '{"user": "u", "password": "[masked: password]"}'),
        ("Authorization: Bearer abc.DEF-123", "Authorization: Bearer [masked: credential]"),
        (
            "kubectl create secret generic --from-literal=a=b1 --from-literal='c=d e' -n y",
            "kubectl create secret generic --from-literal=a=[masked: secret] --from-literal='c=[masked: secret]' -n y",
        ),
        ("password: hunter2 and token=a1b2c3d4", "password: [masked: password] and token=[masked: token]"),
    ],
)
def test_secret_alone_is_masked(said: str, kept: str) -> None:
    assert mask(said).text == kept


def test_private_key_is_masked_over_its_lines() -> None:
    begin, end = "-----BEGIN RSA PRIVATE" + " KEY-----", "-----END RSA PRIVATE" + " KEY-----"
    said = f"is this it?\n```{begin}\nProc-Type: 4,ENCRYPTED\n\nMIIEpAIBAAKCAQEA75\nabc=\n{end}```\nplease look"
    assert mask(said).text == "is this it?\n```[masked: private key]```\nplease look"


def test_private_key_that_was_cut_off_is_masked_as_far_as_it_goes() -> None:
    begin = "-----BEGIN PRIVATE" + " KEY-----"
    said = f"{begin}\nMIIEpAIBAAKCAQEA75\nMIIEpAIBAAKCAQEA76\nsorry, wrong window"
    assert mask(said).text == "[masked: private key]\nsorry, wrong window"


def test_secret_in_the_named_value_is_told_once_by_its_own_name() -> None:
    found = mask(f"SLACK_TOKEN={XOXB}").findings
    assert found == [Finding("a Slack token", 12, 12 + len(XOXB), fingerprint(XOXB))]


def test_kubernetes_secret_loses_its_values_and_keeps_their_names() -> None:
    said = "apiVersion: v1\ndata:\n  tls.crt: TUlJ\n  ca: YWJj\nkind: Secret\nmetadata:\n  name: x"
    assert mask(said).text == (
        "apiVersion: v1\ndata:\n  tls.crt: [masked: Kubernetes secret]\n  ca: [masked: Kubernetes secret]\n"
        "kind: Secret\nmetadata:\n  name: x"
    )


def test_findings_give_places_in_the_original_and_never_the_secret() -> None:
    said = "password: hunter2, token=a1b2c3d4"
    found = mask(said, salt="s").findings
    assert [said[one.start : one.end] for one in found] == ["hunter2", "a1b2c3d4"]
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize("seed", range(3))
def test_planted_secrets_are_masked(seed: int) -> None:
    missed = {name for name, text, secret in planted(seed) if secret in mask(text).text}
    assert missed == {"named user: root pass: {}"}  # with c0rrect-horse, since "pass: e2e-test-3" is a test


@pytest.mark.parametrize("text", [text for seed in range(3) for text in harmless(seed)])
def test_harmless_text_is_left_alone(text: str) -> None:
    assert mask(text).text == text


def test_talk_of_real_incidents_is_left_alone(pytestconfig: pytest.Config) -> None:
    texts = list(messages(pytestconfig.rootpath / "stories"))
    assert [mask(text).text for text in texts] == texts


def test_allowed_value_is_left_alone_and_others_are_not() -> None:
    said = "password: hunter2, token=a1b2c3d4"
    allowed = {fingerprint("hunter2", "team")}
    assert mask(said, allowed, salt="team").text == "password: hunter2, token=[masked: token]"
    assert mask(said, allowed, salt="other").text == "password: [masked: password], token=[masked: token]"


def test_fingerprint_depends_on_value_and_salt() -> None:
    prints = {fingerprint(value, salt) for value in ("a", "b") for salt in ("", "x")}
    assert {len(one) for one in prints} == {64}
    assert len(prints) == 4


def test_masked_text_is_masked_no_further() -> None:
    once = [mask(text).text for _, text, _ in planted()]
    assert [mask(text).text for text in once] == once


def test_threads_do_not_disturb_each_other() -> None:
    texts = [text for _, text, _ in planted()]
    alone = [mask(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(mask, texts)) == alone


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_takes_no_time(text: str) -> None:
    mask(text)  # quadratic forms took seconds here


WORDS = [
    "password",
    "token",
    "secret",
    "hunter2",
    "a1b2c3d4e5",
    "is",
    "for",
    "Bearer ",
    "kind: Secret",
    "data:",
    "value: ",
]
SIGNS = [
    ":",
    "=",
    " ",
    "\n",
    '"',
    "`",
    "://",
    "@",
    "<mailto:",
    ">",
    "|",
    "&amp;",
    "--",
    "İ",
    "ſ",
    XOXB,
    AKIA,
    "[masked: ",
]
PIECES = st.sampled_from([*WORDS, *SIGNS])


@given(st.one_of(st.text(), st.lists(PIECES, max_size=25).map("".join)))
def test_findings_are_in_order_and_rebuild_the_text(text: str) -> None:
    masked = mask(text)
    at, rebuilt = 0, ""
    for found in masked.findings:
        assert at <= found.start < found.end <= len(text)
        assert found.fingerprint == fingerprint(text[found.start : found.end])
        rebuilt += f"{text[at : found.start]}[masked: {found.kind.split(' ', 1)[1]}]"
        at = found.end
    assert masked.text == rebuilt + text[at:]
    everything = {found.fingerprint for found in masked.findings}
    assert mask(text, everything).text == text
