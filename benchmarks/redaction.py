"""How many secrets are found, how many harmless words are taken for one, and how fast.

    python -m benchmarks.redaction [FOLDER]

FOLDER (by default `stories/`) is searched for the day files of Slack exports; whatever is masked in them is
printed with its surroundings, for a person to judge. The planted secrets are made up at run time, so that
nothing in this repository looks like one.
"""

from __future__ import annotations

import json
import random
import string
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bot.redaction import mask

if TYPE_CHECKING:
    from collections.abc import Iterator

HEX = string.digits + "abcdef"
ALNUM = string.ascii_letters + string.digits
LOWER = string.ascii_lowercase + string.digits


def planted(seed: int = 0) -> list[tuple[str, str, str]]:
    """Messages that hold a secret: (name of the case, Slack text, the secret)."""
    dice = random.Random(seed)

    def some(count: int, letters: str = ALNUM) -> str:
        return (
            "".join(dice.choices(letters, k=count - 3))
            + "a1Z"[: 3 if letters is ALNUM else 0]
            + ("" if letters is ALNUM else "".join(dice.choices(letters, k=2)) + "7")
        )

    forms = {
        "slack bot": "xox" + "b-" + f"{some(12, string.digits)}-{some(13, string.digits)}-{some(24)}",
        "slack user": "xox" + "p-" + f"{some(12, string.digits)}-{some(12, string.digits)}-{some(32, HEX)}",
        "slack config": "xox" + "e.xox" + f"p-1-{some(160)}",
        "slack app": "xap" + f"p-1-A{some(10, string.ascii_uppercase)}-{some(13, string.digits)}-{some(64, HEX)}",
        "slack webhook": "https://hooks.slack.com/ser" + f"vices/T0{some(8)}/B0{some(8)}/{some(24)}",
        "aws key id": "AK" + "IA" + some(16, string.ascii_uppercase + string.digits),
        "github classic": "gh" + f"p_{some(36)}",
        "github app": "gh" + f"s_{some(36)}",
        "github fine": "github" + f"_pat_{some(22)}_{some(59)}",
        "gitlab": "gl" + f"pat-{some(20)}",
        "stripe live": "sk_" + f"live_{some(24)}",
        "stripe long": "sk_" + f"live_51{some(97)}",
        "stripe restricted": "rk_" + f"live_{some(24)}",
        "twilio": "SK" + some(32, HEX),
        "sendgrid": "SG" + f".{some(22)}.{some(43)}",
        "npm": "np" + f"m_{some(36)}",
        "openai": "sk-" + f"proj-{some(40)}T3Blbk" + f"FJ{some(40)}",
        "anthropic": "sk-" + f"ant-api03-{some(90)}",
        "google": "AI" + f"za{some(35)}",
        "google oauth": "GOC" + f"SPX-{some(28)}",
        "discord": "M" + f"{some(25)}.{some(6)}.{some(27)}",
        "telegram": f"{some(10, '123456789')}:A" + some(34),
        "mailchimp": some(32, HEX) + "-us" + "12",
        "square": "sq0" + f"csp-{some(43)}",
        "pypi": "pypi-Ag" + f"EIcHlwaS5vcmc{some(80)}",
        "grafana": "gl" + f"sa_{some(32)}_{some(8, HEX)}",
        "vault": "hv" + f"s.{some(90)}",
        "atlassian": "ATA" + f"TT3xFfGF0{some(60)}",
        "digitalocean": "dop" + f"_v1_{some(64, HEX)}",
        "jwt": "ey" + f"JhbGciOiJIUzI1{some(12)}.ey" + f"JzdWIiOiIxMjM0{some(40)}.{some(43)}",
    }
    around = (
        "{}",
        "I used {} for it",
        "`{}`",
        "```\nexport X={}\n```",
        "it is <https://x.example.com/?t={}|this one>, sorry",
        '{{"v":"{}"}}',
    )
    cases = [
        (name, dice.choice(around).format(form), form)
        for name, form in forms.items()
        if name != "slack webhook"
        for _ in range(3)
    ]
    cases.append(("slack webhook", f"curl {forms['slack webhook']} -d x", forms["slack webhook"]))
    lines = "\n".join(some(64) for _ in range(12))
    for kind in ("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "):
        block = f"-----BEGIN {kind}PRIVATE" + f" KEY-----\n{lines}\n-----END {kind}PRIVATE" + " KEY-----"
        cases.append((f"{kind}private key", f"is this the one?\n```{block}```", lines))
    cut_off = "-----BEGIN RSA PRIVATE" + f" KEY-----\n{lines}"
    cases.append(("private key cut off", f"{cut_off}\nsorry, wrong window", lines))
    one_line = lines.replace("\n", "\\n")
    cases.append(
        ("private key in JSON", '"private_key": "-----BEGIN PRIVATE' + f' KEY-----\\n{one_line}\\n"', one_line)
    )
    for word in ("hunter2", "Summer2026!", "P@ssw0rd", "c0rrect-horse", "sw0rd&amp;fish", some(20)):
        cases += [(f"named {text}", text.format(word), word) for text in NAMED]
    for word in (some(20), some(36), some(40)):
        cases += [(f"keyed {text}", text.format(word), word) for text in KEYED]
    cases += [(f"named {text}", text.format("swordfish"), "swordfish") for text in PLAIN]
    pair = f"{forms['aws key id']} / {some(40)}"
    cases.append(("aws pair", pair, pair.split(" / ")[1]))
    return cases


NAMED = (
    "password: {}",
    "the password is {}",
    "Password for the replica is {} until tonight",
    "pw: {}",
    "password=`{}`",
    "*Password:* {}",
    "DB_PASSWORD={} ./migrate",
    'export PGPASSWORD="{}"',
    '{{"user": "root", "password": "{}"}}',
    '{{\\"password\\":\\"{}\\"}}',
    "psql postgres://app:{}@db.internal:5432/app",
    "mysql://root:{}@10.0.0.3/app?ssl=1 refuses us",
    "redis://:{}@cache:6379/0",
    "curl -u admin:{} https://x.example.com/health",
    "curl -s --user admin:{} https://x.example.com/health",
    "sshpass -p {} ssh root@db",
    "mysql -uroot -p{} app",
    "redis-cli -h cache -a {} info",
    "docker login -u ci -p {} registry.example.com",
    "helm upgrade x --set db.password={}",
    "kubectl create secret generic x --from-literal=pass={}",
    "kubectl create secret generic x --from-literal=whatever={} -n prod",
    "tool --password {} --host db",
    "Server=db;User Id=app;Password={};Timeout=3",
    "- name: DB_PASSWORD\n  value: {}",
    "kind: Secret\nstringData:\n  whatever: {}\n",
    "stringData:\n  whatever: {}\nkind: Secret",
    "spring.datasource.password={}",
    "passwd := '{}'",
    "config['password'] = '{}'",
    "Passwort: {}",
    "user: root pass: {}",
    "we rotated it, the new password was set to {} just now",
    "root password -&gt; {}",
    "machine x.example.com login ci password {}",
    "pg_dump 'postgresql://app:{}@[::1]/app'",
    "*db password* is: {}",
    "Password:\n{}",
)
KEYED = (
    "Authorization: Bearer {}",
    'curl -H "Authorization: token {}" https://x.example.com',
    "authorization: Basic {}",
    "the header was Bearer {}",
    "export AWS_SECRET_ACCESS_KEY={}",
    "aws_secret_access_key = {}",
    'aws_session_token="{}"',
    "api_key: {}",
    "API key: {}",
    "X-Api-Key: {}",
    "X-Vault-Token: {}",
    "PRIVATE-TOKEN: {}",
    "token: {}",
    "token={}",
    "client_secret={}&amp;grant_type=x",
    "https://x.example.com/hook?access_token={}&amp;x=1",
    "<https://x.example.com/hook?token={}|hook>",
    "SLACK_SIGNING_SECRET={}",
    '"apiKey": "{}"',
    "the token is {}",
    "//registry.npmjs.org/:_authToken={}",
    "DefaultEndpointsProtocol=https;AccountName=x;AccountKey={};EndpointSuffix=core.windows.net",
    "secret: {}",
    "tool --token {}",
    "GET /x?a=1&amp;api_key={}#top",
    "new api key =&gt; {}",
    "Cookie: session={}; theme=dark",
    '{{"auths": {{"x": {{"auth": "{}"}}}}}}',
)
PLAIN = ("password: {}", "DB_PASSWORD={}", "my password is `{}`", "postgres://app:{}@db/app", "password is: `{}`\nok")


def harmless(seed: int = 0) -> list[str]:
    """What incident channels say that is no secret, and looks or sounds like one."""
    dice = random.Random(seed)

    def some(count: int, letters: str = HEX) -> str:
        return "".join(dice.choices(letters, k=count))

    def uuid() -> str:
        return f"{some(8)}-{some(4)}-4{some(3)}-a{some(3)}-{some(12)}"

    def ids() -> str:
        return some(9, LOWER).upper()

    made = [
        f"deployed {some(40)} to prod",
        f"reverted {some(7)} and {some(12)}",
        f"<https://github.com/acme/shop/commit/{some(40)}|{some(7)}>",
        f"<https://github.com/acme/shop/compare/{some(12)}...{some(12)}>",
        f"<https://github.com/acme/shop/pull/{dice.randrange(9999)}/files#diff-{some(64)}>",
        f"<https://acme.slack.com/archives/C0{ids()}/p{some(16, string.digits)}?thread_ts=1.2&amp;cid=C0{ids()}>",
        f"<https://acme.slack.com/files/U0{ids()}/F0{ids()}/graph.png|graph>",
        f"<@U0{ids()}> can you look? <#C0{ids()}|inc-7> <!subteam^S0{ids()}|@sre>",
        f"request {uuid()} failed",
        f"x-request-id: {uuid()}",
        f"trace_id={some(32)} span_id={some(16)}",
        f"traceparent: 00-{some(32)}-{some(16)}-01",
        f"Root=1-{some(8)}-{some(24)}",
        f"trace {some(27, ALNUM)}= looks slow",
        f"ghcr.io/acme/shop@sha256:{some(64)}",
        f"image: acme/shop:v1.2.3-{some(7)}",
        f"pod token-service-{some(10, LOWER)}-{some(5, LOWER)} OOMKilled",
        f"shop-{some(10, LOWER)}-{some(5, LOWER)}   0/1  CrashLoopBackOff  7",
        f"gke-prow-default-pool-{some(8)}-{some(4, LOWER)}",
        f"arn:aws:iam::{some(12, string.digits)}:role/deploy",
        f"arn:aws:secretsmanager:eu-west-1:{some(12, string.digits)}:secret:prod/db-AbCdEf",
        f"i-0{some(16)} and vol-0{some(16)} are gone",
        f"job {uuid()} token: expired",
        f'etag: "{some(32)}"',
        f"ConfigMap checksum/config: {some(64)}",
        f"message id {some(26, string.digits + string.ascii_uppercase)}",
        f"mac 00:1a:{some(2)}:{some(2)}:{some(2)}:{some(2)} and fe80::{some(4)}:{some(4)}",
        f"blob {some(44, ALNUM)} in the queue",
        f"cursor={some(40, ALNUM)}",
        f"next_page_token: {some(40, ALNUM)}",
        f"<https://grafana.example.com/d/{some(9, ALNUM)}/checkout?orgId=1&amp;from=1700000000000&amp;to=now|Checkout>",
        f"<https://app.datadoghq.com/logs?query=service%3Ashop&amp;event=AQ{some(30, ALNUM)}>",
    ]
    return made + SAID


SAID = [
    "password reset is failing",
    "the password reset token expired",
    "token expired",
    "token: expired",
    "Error: invalid token: unexpected end of JSON input",
    "token: 401 Unauthorized",
    "password: required",
    "password is wrong, they say",
    "the password is not the problem",
    "the secret is mounted in the wrong namespace",
    "secret: not found",
    'secrets "build-cluster" not found',
    "secret/build-cluster configured",
    "kubectl get secret build-cluster -n test-pods",
    "volumes: secretName: build-cluster",
    "secret: prod-db-credentials-v2 is missing",
    "the audit log of the secret holding your cluster yaml would be huge",
    "token-service: 500s since 10:42",
    "reset-password: 500 errors a minute",
    "password: 500ms p99 on the login page",
    "token: v1.12.3 rolled out",
    "max_tokens=4096 and tokens: 1500 used",
    "token count = 200k",
    "cost per token: 0.003",
    "page_token=abc123def456",
    "continuation token: a1b2c3d4e5f6g7h8",
    "password=$DB_PASSWORD psql",
    "export TOKEN=${VAULT_TOKEN}",
    "export TOKEN=$(vault read -field=token x)",
    "curl -H 'Authorization: Bearer $TOKEN' https://x.example.com",
    "postgres://user:${PASS}@db/app",
    "password=&lt;your password&gt;",
    "password=****",
    "password: [REDACTED]",
    "api_key = os.environ['API_KEY']",
    "token = get_token(user)",
    "secret=config.secret",
    "password=password, host=host",
    "docker run -u 1000:1000 --user 1000:1000 x",
    "docker run -p 8080:80 shop",
    "mysql -u root -p shop",
    "PWD=/home/app pwd: /srv/app",
    "pass: 12, fail: 3",
    "ssh key rotation is on Friday",
    "the API key is about to expire",
    "api key: rotated",
    "private key: mismatch with the certificate",
    "access key: disabled for the deploy user",
    "primary key: id, foreign key: order_id, cache key: user:1234:profile",
    "partition key=customer_id sort key=created_at",
    "key: SHOP-1234",
    "auth: token is checked by oauth2-proxy-v7",
    "Bearer token authentication is broken",
    "basic auth works, bearer does not",
    "sk8s-cluster-1 and disk-utilization-over-90-percent alerts",
    "task-runner-8d7f6c5b4-abcde",
    "APACHEKAFKA01 is a host",
    "git@github.com:acme/shop.git",
    "https://github.com/acme/shop/blob/main/auth/token.go#L41",
    "http://10.0.0.3:8080/healthz?full=1",
    "mailto:ops@example.com or <mailto:ops@example.com|ops@example.com>",
    "password for root@db is in the vault",
    "login: password, then SSO",
    "we log “password=” with an empty value",
    "the cookie: banner is gone",
    "Set-Cookie was missing",
    "10:42:30 token refresh 200 in 15ms",
    "password: see the vault",
    "passwords: 3 of 4 rotated",
    "password policy: 12 characters",
    "authorization: denied for user 17",
]


def messages(folder: Path) -> Iterator[str]:
    """The texts of every message in the Slack exports below a folder, with those of its attachments."""
    for file in sorted(folder.rglob("*.json")):
        day = json.loads(file.read_text("utf-8"))
        for message in day if isinstance(day, list) else []:
            if isinstance(message, dict) and "ts" in message:
                yield from _texts(message)


def _texts(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if isinstance(value, str) and name in {"text", "fallback", "title", "preview", "pretext", "comment"}:
                yield value
            else:
                yield from _texts(value)
    elif isinstance(part, list):
        for value in part:
            yield from _texts(value)


def _milliseconds(text: str) -> float:
    mask(text)
    began = time.perf_counter()
    mask(text)
    return (time.perf_counter() - began) * 1000


HOSTILE = {
    "prose": "we are looking at the token service and the secret key of the password page, " * 520,
    "one word": "a" * 40_000,
    "names": "password" * 5_000,
    "assignments": "token=" * 6_600,
    "bars": "password=" + "|" * 39_990,
    "key blocks": ("-----BEGIN RSA PRIVATE" + " KEY-----") * 1_250,
    "url starts": "://a:" * 8_000,
    "curls": "curl -u " * 5_000,
    "mysqls": "mysql -" * 5_700,
    "quotes": 'password: "' * 3_600,
    "spaces": "password " + " " * 39_990,
    "for clauses": "password for a b c d e " * 1_700,
    "names of yaml": "name: TOKEN" * 3_600 + "value:",
    "secrets of yaml": "kind: Secret\n" + "data:\n" * 6_600,
    "tokens": "xoxb-" * 8_000,
    "hook": "https://hooks.slack.com/services/T" * 1_100,
    "jwts": "eyJ" * 13_000,
    "cookies": "cookie: a=" * 4_000,
}


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "stories")
    texts = list(messages(folder))
    began = time.perf_counter()
    alarms = [(text, finding) for text in texts for finding in mask(text).findings]
    took = time.perf_counter() - began
    for text, finding in alarms:
        around = text[max(0, finding.start - 30) : finding.start] + f"[{finding.kind}]" + text[finding.end :][:30]
        print(f"  {around!r}")
    print(f"talks in {folder}: {len(alarms)} masked in {len(texts)} texts, {len(texts) / (took or 1):,.0f} texts/s")

    wrong = [text for text in harmless() if mask(text).findings]
    print(f"harmless: {len(wrong)} of {len(harmless())} masked", *wrong, sep="\n  ")

    cases = [case for seed in range(5) for case in planted(seed)]
    missed = [(name, text) for name, text, secret in cases if secret in mask(text).text]
    print(f"planted: {len(cases) - len(missed)} of {len(cases)} masked", *missed, sep="\n  ")

    usual = sorted(_milliseconds(text) for text in [*harmless(), *(case[1] for case in planted())])
    print(f"one message: median {usual[len(usual) // 2]:.3f} ms, worst {usual[-1]:.3f} ms")
    for name, text in HOSTILE.items():
        print(f"  {len(text):,} characters of {name}: {_milliseconds(text):.1f} ms")


if __name__ == "__main__":
    main()
