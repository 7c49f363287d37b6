"""Secrets that have a form of their own: tokens with a prefix, key blocks, credentials in URLs and commands.

Most forms are the patterns of Yelp's detect-secrets, with some of ours where it has none or stops short of the
token's end. Only its detectors' patterns are used: its settings are global, its verification calls the network,
and its keyword detector reads source code, not chat. Its high-entropy detectors are left out: commit ids, image
digests and trace ids are what incident channels are full of.

Every pattern is bounded, so that a hostile message costs milliseconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

from bot.secret_words import Span, is_a_name, is_placeholder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def formed(text: str, lower: str) -> Iterator[Span]:
    """The secrets in `text`, surest first; `lower` is the same in lower case, character for character."""
    yield from _private_keys(text)
    for pattern in _patterns():
        yield from pattern.found(text, lower)
    yield from _aws_secrets(text)
    yield from _kubernetes_secrets(text)


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A form, tried only on texts that hold one of `anchors` (in lower case).

    The secret is the group of that name, or else the whole match. `alone`: not a part of a longer word;
    otherwise the secret goes on for as long as the word does, since some forms tell only its beginning.
    """

    kind: str
    form: re.Pattern[str]
    anchors: tuple[str, ...]
    alone: bool = False
    check: Callable[[str], bool] | None = None

    def found(self, text: str, lower: str) -> Iterator[Span]:
        if not any(anchor in lower for anchor in self.anchors):
            return
        group: int | str = "secret" if "secret" in self.form.groupindex else 0
        for match in self.form.finditer(text):
            start, end = match.span(group)
            if self.alone and (_word_at(text, start - 1) or _word_at(text, end)):
                continue
            if self.check is not None and not self.check(match[group]):
                continue
            if group == 0 and (more := _WORD.match(text, end)):
                end = more.end()
            yield Span(start, end, self.kind)


_WORD: Final = re.compile(r"[A-Za-z0-9_-]+")


def _word_at(text: str, place: int) -> bool:
    return 0 <= place < len(text) and (text[place].isalnum() or text[place] == "_")


def _holds_digit(secret: str) -> bool:
    return any(letter.isdigit() for letter in secret)


def _is_mixed(secret: str) -> bool:
    return _holds_digit(secret) and secret != secret.lower() and secret != secret.upper()


def _is_credential(secret: str) -> bool:
    return not is_placeholder(secret)


def _is_long_credential(secret: str) -> bool:
    return _holds_digit(secret) and not is_placeholder(secret) and not is_a_name(secret)


@cache
def _patterns() -> tuple[_Pattern, ...]:
    library = (
        ("a Slack token", SlackDetector, ("xox", "hooks.slack.com"), False),
        ("an AWS key", AWSKeyDetector, ("akia", "asia", "abia", "acca", "a3t"), True),
        ("an Azure storage key", AzureStorageKeyDetector, ("accountkey=",), False),
        ("a Discord token", DiscordBotTokenDetector, (".",), True),
        ("a GitHub token", GitHubTokenDetector, ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), False),
        ("a GitLab token", GitLabTokenDetector, ("gl", "gr1348941"), False),
        ("a Mailchimp key", MailchimpDetector, ("-us",), True),
        ("a PyPI token", PypiTokenDetector, ("pypi-age",), False),
        ("a SendGrid key", SendGridDetector, ("sg.",), False),
        ("a Square secret", SquareOAuthDetector, ("sq0csp-",), False),
        ("a Stripe key", StripeDetector, ("k_live_",), False),
        ("a Telegram token", TelegramBotTokenDetector, (":",), True),
        ("a Twilio key", TwilioKeyDetector, ("ac", "sk"), True),
    )
    theirs = [
        _Pattern(kind, form, anchors, alone, _holds_digit)
        for kind, detector, anchors, alone in library
        # The second pattern for AWS is a keyword's, and `_keyed` knows better where its value ends.
        for form in list(detector.denylist)[: 1 if detector is AWSKeyDetector else None]
    ]
    ours = [_Pattern(kind, re.compile(form), anchors, alone=False, check=check) for kind, form, anchors, check in _OURS]
    return (*theirs, *ours)


_OURS: Final[tuple[tuple[str, str, tuple[str, ...], Callable[[str], bool] | None], ...]] = (
    ("a Slack token", r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9%-]{10,}", ("xox",), _holds_digit),
    ("a Slack token", r"xapp-\d-[A-Za-z0-9-]{10,}", ("xapp-",), None),
    ("a Slack token", r"hooks\.slack\.com/(?:workflows|triggers)/(?P<secret>[A-Za-z0-9_/-]{10,})", ("hooks.s",), None),
    ("a GitHub token", r"github_pat_[A-Za-z0-9_]{20,}", ("github_pat_",), None),
    ("an npm token", r"npm_[A-Za-z0-9]{36}", ("npm_",), None),
    ("an npm token", r":_auth(?:Token)?=\s?(?P<secret>[^\s\"'<>]{8,})", (":_auth",), _is_credential),
    ("an OpenAI key", r"(?<![\w-])sk-(?!ant-)[\w-]{20,}", ("sk-",), _is_mixed),
    ("an Anthropic key", r"(?<![\w-])sk-ant-[\w-]{20,}", ("sk-ant-",), None),
    ("a Stripe key", r"[rs]k_test_[0-9A-Za-z]{10,}|whsec_[0-9A-Za-z+/=]{20,}", ("k_test_", "whsec_"), None),
    ("a Google key", r"AIza[\w-]{35}", ("aiza",), None),
    ("a Google key", r"GOCSPX-[\w-]{20,}|ya29\.[\w-]{20,}", ("gocspx-", "ya29."), None),
    ("a Hugging Face token", r"(?<!\w)hf_[A-Za-z]{30,}", ("hf_",), None),
    ("a Grafana token", r"glsa_\w{32,}|glc_[\w+/=]{32,}", ("glsa_", "glc_"), None),
    ("a Vault token", r"(?<!\w)hv[sbr]\.[\w-]{20,}", ("hvs.", "hvb.", "hvr."), None),
    ("a Terraform token", r"\w{14}\.atlasv1\.[\w-]{40,}", (".atlasv1.",), None),
    ("an Atlassian token", r"ATATT3[\w=-]{20,}", ("atatt3",), None),
    ("a Linear key", r"lin_api_\w{20,}", ("lin_api_",), None),
    ("a New Relic key", r"NRAK-[A-Z0-9]{20,}", ("nrak-",), None),
    ("a DigitalOcean token", r"do[opr]_v1_[0-9a-f]{64}", ("_v1_",), None),
    ("a Databricks token", r"(?<!\w)dapi[0-9a-f]{32}", ("dapi",), None),
    ("a Docker token", r"dckr_(?:pat|oat)_[\w-]{20,}", ("dckr_",), None),
    ("a Shopify token", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}", ("shp",), None),
    ("a Postman key", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}", ("pmak-",), None),
    ("an Artifactory key", r"(?<!\w)AKC[A-Za-z0-9]{20,}", ("akc",), _holds_digit),
    ("an age key", r"AGE-SECRET-KEY-1[0-9A-Z]{20,}", ("age-secret-key-",), None),
    ("a JSON web token", r"(?:(?<![\w-])|(?<=\\n))eyJ[\w-]{8,}=*\.eyJ[\w-]{8,}=*(?:\.[\w+/=-]*)*", ("eyj",), None),
    (
        "a password",  # in a URL: from the colon to the last @ before the path
        r"://[^\s/:@<>|\"'`]{0,200}:(?P<secret>[^\s/?#<>|\"'`]{1,500})@(?=[\w\[$%{.-])",
        ("://",),
        _is_credential,
    ),
    (
        "a password",  # the same where Slack took its end for a mail address
        r"://[^\s/:@<>|\"'`]{0,200}:(?P<secret><mailto:[^>\s]{1,500}>)",
        ("<mailto:",),
        None,
    ),
    (
        "a password",
        (
            r"(?i:\b(?:curl|wget|https?|xh|ab)[ \t])(?:[^\n]{0,300}?[ \t])?(?:-u|--user|--auth)[ =]?[\"']?"
            r"[^\s:\"']{0,100}:(?P<secret>[^\s\"'/]{1,200})"
        ),
        (" -u", "--user", "--auth"),
        _is_credential,
    ),
    (
        "a password",
        (
            r"\b(?:(?:sshpass|docker login|mongo(?:sh|dump)?)\b[^\n]{0,200}?[ \t]-p[ \t]?"
            r"|mysql(?:dump|admin)?\b[^\n]{0,200}?[ \t]-p"
            r"|redis-cli\b[^\n]{0,200}?[ \t]-a[ \t]"
            r"|ldap(?:search|modify|add)\b[^\n]{0,200}?[ \t]-w[ \t]"
            r"|openssl\b[^\n]{0,200}?\bpass:)[\"']?(?P<secret>[^\s\"'<>-][^\s\"'<>]{1,200})"
        ),
        ("sshpass", "docker login", "mongo", "mysql", "redis-cli", "ldap", "openssl"),
        _is_credential,
    ),
    (
        "a secret",
        (
            r"--from-literal[ =](?P<q>[\"'])?[\w.-]{1,200}="
            r"(?P<secret>(?(q)[^\"'\n]{1,4000}|(?:\"[^\"\n]{1,4000}\"|[^\s\"'<>]{1,4000})))"
        ),
        ("--from-literal",),
        _is_credential,
    ),
    (
        "a credential",
        (
            r"(?i:authorization[\"']?[ \t]?[:=][ \t]?[\"']?(?:bearer|basic|token|apikey|digest|negotiate)[ \t]+)"
            r"(?P<secret>[^\s\"'`<>,;]{2,})"
        ),
        ("authorization",),
        _is_credential,
    ),
    ("a credential", r"(?i:\bbearer)[ \t:]+(?P<secret>[\w.~+/-]{12,}=*)", ("bearer",), _is_long_credential),
    ("a password", r"\blogin \S{1,100}\s{1,3}password (?P<secret>\S{1,200})", ("login ",), _is_credential),  # netrc
    ("a credential", r"\"auth\"[ \t]*:[ \t]*\"(?P<secret>[\w+/-]{8,2000}={0,2})\"", ('"auth"',), _is_mixed),  # Docker
    (
        "a cookie",
        r"(?im:^|[\"'\s])(?i:(?:set-)?cookie)[ \t]?:[ \t]?(?P<secret>[\w.-]{1,100}=[^\s\"'`<>][^\n\"'`<>]{7,})",
        ("cookie",),
        None,
    ),
    (
        "a signature",
        (
            r"(?i:[?&;](?:sig|x-amz-signature|x-amz-security-token|x-goog-signature|signature|key)=)"
            r"(?P<secret>[\w%+/=.~-]{16,})"
        ),
        ("sig", "security-token=", "key="),
        _is_long_credential,
    ),
)


def _private_keys(text: str) -> Iterator[Span]:
    """Whole blocks; of a block that was cut off, as much as still looks like one."""
    at, ends = 0, True
    while match := _KEY_BEGINS.search(text, at):
        end = _KEY_ENDS.search(text, match.end()) if ends else None
        ends = end is not None
        end = end or _KEY_LINES.match(text, match.end())
        at = end.end() if end else match.end()
        yield Span(match.start(), at, "a private key")


_KEY_BEGINS: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----|PuTTY-User-Key-File-\d")
_KEY_ENDS: Final = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----|Private-MAC: \w+")
_KEY_LINES: Final = re.compile(
    r"(?:(?:\s|\\n)*(?:[\w-]+: [^\n]*\n|[A-Za-z0-9+/=]{16,}))*(?:(?:\s|\\n)*[A-Za-z0-9+/]+=+)?"
)


def _aws_secrets(text: str) -> Iterator[Span]:
    """Forty characters of base64 beside an AWS key id; alone they could be anything."""
    if "AKIA" in text or "ASIA" in text:
        for match in _FORTY.finditer(text):
            if _is_mixed(match[0]):
                yield Span(*match.span(), "an AWS key")


_FORTY: Final = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])|(?<==)[A-Za-z0-9/+]{40}(?![\w/+=])")


def _kubernetes_secrets(text: str) -> Iterator[Span]:
    """Every value in a manifest of a Secret, whatever it is called; and values of variables named so."""
    if "kind: Secret" in text:
        for block in _SECRET_DATA.finditer(text):
            for value in _YAML_VALUE.finditer(text, *block.span("lines")):
                yield Span(*value.span("secret"), "a Kubernetes secret")
    if "value:" in text:
        for match in _VARIABLE.finditer(text):
            if not is_placeholder(match["secret"]):
                yield Span(*match.span("secret"), "a secret")


_SECRET_DATA: Final = re.compile(
    r"^[ \t]*(?:data|stringData):[ \t]*\n(?P<lines>(?:[ \t]+[^\n]*(?:\n|$))+)", re.MULTILINE
)
_YAML_VALUE: Final = re.compile(r"^[ \t]+[\w.-]+:[ \t]+(?P<secret>[^\s|>][^\n]*?)[ \t]*$", re.MULTILINE)
_VARIABLE: Final = re.compile(
    r"name:[ \t]*[\"']?\w{0,100}(?i:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY)\w{0,20}[\"']?[ \t]*\n"
    r"[ \t-]*value:[ \t]*[\"']?(?P<secret>[^\s\"']+)"
)
