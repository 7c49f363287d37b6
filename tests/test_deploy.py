"""What is in deploy/ is read as its machines read it: nothing in it is missing, no setting is left out."""

from __future__ import annotations

import re
import shlex

import yaml

from bot.__main__ import main
from tests.processes import TOP

DEPLOY = TOP / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yml").read_text("utf-8"))
BOT = COMPOSE["services"]["seamark"]
ELSEWHERE = {"SLACK_SIGNING_SECRET", "HOST", "PORT", "SLACK_API_URL", "SEAMARK_GUIDES"}
"""What a bot in Socket Mode without files of its own does not need."""


def _instructions() -> list[list[str]]:
    lines = (DEPLOY / "Dockerfile").read_text("utf-8").splitlines()
    return [shlex.split(line) for line in lines if line.strip()]


def test_deploy_builds_from_what_is_there() -> None:
    context = (DEPLOY / BOT["build"]["context"]).resolve()

    assert context == TOP
    assert (context / BOT["build"]["dockerfile"]).read_text("utf-8") == (DEPLOY / "Dockerfile").read_text("utf-8")
    copied = [words[1] for words in _instructions() if words[0] == "COPY"]
    assert [name for name in copied if not (context / name).exists()] == []


def test_deploy_image_runs_the_command_there_is() -> None:
    words = {one[0]: "".join(one[1:]) for one in _instructions()}

    assert (words["ENTRYPOINT"], words["CMD"]) == ("[seamark]", "[run]")
    assert 'seamark = "bot.__main__:main"' in (TOP / "pyproject.toml").read_text("utf-8")
    assert main.__module__ == "bot.__main__"


def test_deploy_keeps_secrets_and_databases_out_of_the_image() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").split()

    assert [name for name in (".env", ".git", ".venv", "*.db*") if name not in ignored] == []


def test_deploy_passes_every_setting_on() -> None:
    known = set(re.findall(r"^([A-Z][A-Z_]+)=", (TOP / ".env.example").read_text("utf-8"), re.MULTILINE))

    assert set(BOT["environment"]) == known - ELSEWHERE
    assert BOT["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert COMPOSE["services"]["database"]["volumes"][0].partition(":")[0] in COMPOSE["volumes"]
