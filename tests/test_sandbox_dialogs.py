from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from slack_bolt import App
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from sandbox import Channel, Dialog, Person, Sandbox
from tests.sandbox_app import MANIFEST, client, connected, new_app

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def field(label: str, block_id: str, element: Json, **options: Any) -> Json:
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": element, **options}


def text(action_id: str = "value", **options: Any) -> Json:
    return {"type": "plain_text_input", "action_id": action_id, **options}


def modal(title: str, *blocks: Json, **options: Any) -> Json:
    return {"type": "modal", "title": plain(title), "submit": plain("Go"), "blocks": list(blocks), **options}


TITLE = field("Title", "title", text())
FORM = modal("Form", TITLE, callback_id="form")


@pytest.fixture
def slack() -> Iterator[Sandbox]:
    with Sandbox(MANIFEST, ack_seconds=0.5) as sandbox:
        yield sandbox


@pytest.fixture
def app(slack: Sandbox) -> Iterator[App]:
    app = new_app(slack)
    with connected(slack, app):
        yield app


@pytest.fixture
def alice(slack: Sandbox) -> Person:
    return slack.person("alice")


@pytest.fixture
def ops(slack: Sandbox, alice: Person) -> Channel:
    return slack.channel("ops", members=[alice])


@pytest.fixture
def open_dialog(app: App, alice: Person, ops: Channel) -> Callable[[Json], Dialog]:
    """Types a command on which the app opens this view."""
    views: list[Json] = []

    @app.command("/echo")
    def echo(ack: Any, command: Json, client: Any) -> None:
        client.views_open(trigger_id=command["trigger_id"], view=views[-1])
        ack()

    def opening(view: Json) -> Dialog:
        views.append(view)
        alice.types("/echo", ops)
        return alice.form

    return opening


def answering(app: App, callback_id: str, *answers: Json) -> list[Json]:
    """The app answers submissions one after the other; an empty answer closes the dialog."""
    bodies: list[Json] = []

    @app.view(callback_id)
    def submitted(ack: Any, body: Json) -> None:
        ack(**answers[min(len(bodies), len(answers) - 1)])
        bodies.append(body)

    return bodies


def test_dialog_is_filled_by_its_labels_and_submitted(
    slack: Sandbox, app: App, alice: Person, ops: Channel, open_dialog: Callable[[Json], Dialog]
) -> None:
    options = [{"text": plain(word), "value": word.lower()} for word in ("SEV1", "SEV2")]
    view = modal(
        "Declare",
        TITLE,
        field("Severity", "severity", {"type": "static_select", "action_id": "value", "options": options}),
        field("Owner", "owner", {"type": "users_select", "action_id": "value"}, optional=True),
        field("Where", "where", {"type": "multi_channels_select", "action_id": "value"}, optional=True),
        field("Due date", "due", {"type": "datepicker", "action_id": "value"}, optional=True),
        field("Why", "why", text(multiline=True), optional=True),
        callback_id="declare",
        private_metadata="INC-7",
    )
    bodies = answering(app, "declare", {})
    dialog = open_dialog(view)
    assert (dialog.title, dialog.submit_label, dialog.private_metadata) == ("Declare", "Go", "INC-7")
    assert dialog.labels == ["Title", "Severity", "Owner", "Where", "Due date", "Why"]
    dialog.fill({"Title": "DB down", "Severity": "SEV2", "Owner": alice, "Where": [ops], "Due date": date(2026, 3, 9)})
    assert dialog.values == {
        "Title": "DB down",
        "Severity": "SEV2",
        "Owner": alice.id,
        "Where": [ops.id],
        "Due date": "2026-03-09",
        "Why": None,
    }
    assert dialog.submit() is None
    values = bodies[0]["view"]["state"]["values"]
    assert values["severity"]["value"]["selected_option"]["value"] == "sev2"
    assert values["why"]["value"] == {"type": "plain_text_input", "value": None}
    assert alice.dialog is None
    assert slack.violations == []


def test_unknown_labels_and_options_are_told(open_dialog: Callable[[Json], Dialog]) -> None:
    options = [{"text": plain("Yes"), "value": "y"}]
    view = modal("Form", TITLE, field("Sure", "s", {"type": "static_select", "action_id": "v", "options": options}))
    dialog = open_dialog(view)
    with pytest.raises(LookupError, match="no field 'Tilte'; there are: 'Title', 'Sure'"):
        dialog.fill({"Tilte": "x"})
    with pytest.raises(LookupError, match="no option 'No'; there are: 'Yes'"):
        dialog.fill({"Sure": "No"})


def test_client_keeps_back_what_slack_would_not_send(
    slack: Sandbox, app: App, open_dialog: Callable[[Json], Dialog]
) -> None:
    bodies = answering(app, "form", {})
    dialog = open_dialog(FORM)
    still = dialog.submit()
    assert still is not None
    assert list(still.errors) == ["Title"]
    assert bodies == []
    assert slack.violations == []
    assert dialog.fill({"Title": "x"}).submit() is None


def test_errors_stand_under_their_fields_until_the_next_try(
    slack: Sandbox, app: App, open_dialog: Callable[[Json], Dialog]
) -> None:
    answering(app, "form", {"response_action": "errors", "errors": {"title": "Taken"}}, {})
    dialog = open_dialog(FORM).fill({"Title": "x"})
    still = dialog.submit()
    assert still is not None
    assert (still.errors, still.values) == ({"Title": "Taken"}, {"Title": "x"})
    assert "Title: Taken" in still.text
    assert still.fill({"Title": "y"}).submit() is None
    assert slack.violations == []


def test_update_keeps_what_was_typed_where_ids_are_the_same(app: App, open_dialog: Callable[[Json], Dialog]) -> None:
    both = modal("Both", TITLE, field("More", "more", text()), callback_id="form")
    renewed = modal("New", field("Title", "other", text()), field("More", "more", text()), callback_id="form")
    answering(app, "form", {"response_action": "update", "view": renewed})
    dialog = open_dialog(both).fill({"Title": "x", "More": "y"})
    before = dialog.view
    updated = dialog.submit()
    assert updated is not None
    assert (updated.view_id, updated.title) == (dialog.view_id, "New")
    assert updated.values == {"Title": None, "More": "y"}
    assert updated.view["hash"] != before["hash"]


def test_push_stacks_three_views_and_no_more(
    slack: Sandbox, app: App, alice: Person, open_dialog: Callable[[Json], Dialog]
) -> None:
    deeper = modal("Deeper", TITLE, callback_id="form")
    bodies = answering(app, "form", {"response_action": "push", "view": deeper})
    first = open_dialog(FORM).fill({"Title": "1"})
    second = first.submit()
    assert second is not None
    third = second.fill({"Title": "2"}).submit()
    assert third is not None
    assert (third.view["root_view_id"], third.view["previous_view_id"]) == (first.view_id, second.view_id)
    stuck = third.fill({"Title": "3"}).submit()
    assert stuck is not None
    assert stuck.error == "We had some trouble connecting. Try again?"
    assert slack.violations == ["submission of form: push_limit_reached"]
    assert len(bodies) == 3
    assert third.close() is not None
    assert alice.form.view_id == second.view_id


def test_clear_closes_the_whole_stack(app: App, alice: Person, open_dialog: Callable[[Json], Dialog]) -> None:
    answering(app, "form", {"response_action": "push", "view": FORM}, {"response_action": "clear"})
    top = open_dialog(FORM).fill({"Title": "1"}).submit()
    assert top is not None
    assert top.fill({"Title": "2"}).submit() is None
    assert alice.dialog is None


def test_submitted_top_view_uncovers_the_one_below(app: App, open_dialog: Callable[[Json], Dialog]) -> None:
    answering(app, "form", {"response_action": "push", "view": modal("Top", TITLE, callback_id="top")})
    answering(app, "top", {})
    bottom = open_dialog(FORM).fill({"Title": "kept"})
    top = bottom.submit()
    assert top is not None
    shown = top.fill({"Title": "x"}).submit()
    assert shown is not None
    assert (shown.view_id, shown.values) == (bottom.view_id, {"Title": "kept"})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"response_action": "errors", "errors": {"nowhere": "x"}}, "errors for blocks that are no inputs"),
        ({"response_action": "errors", "errors": {"title": ""}}, "errors must be sentences"),
        ({"response_action": "update", "view": modal("x" * 25, TITLE)}, "invalid_arguments"),
        ({"response_action": "forward"}, "not an answer to a submission"),
    ],
)
def test_wrong_answer_to_a_submission_is_an_error_and_a_violation(
    slack: Sandbox, app: App, open_dialog: Callable[[Json], Dialog], answer: Json, words: str
) -> None:
    answering(app, "form", answer)
    still = open_dialog(FORM).fill({"Title": "x"}).submit()
    assert still is not None
    assert (still.error, still.values) == ("We had some trouble connecting. Try again?", {"Title": "x"})
    assert len(slack.violations) == 1
    assert words in slack.violations[0]


def test_submission_without_acknowledgement_keeps_the_dialog(
    slack: Sandbox, app: App, open_dialog: Callable[[Json], Dialog]
) -> None:
    answering(app, "form", {})
    dialog = open_dialog(FORM).fill({"Title": "x"})
    slack.faults.withhold_acks()
    still = dialog.submit()
    assert still is not None
    assert still.error == "We had some trouble connecting. Try again?"
    assert still.submit() is None


def test_double_submission_is_sent_twice_and_closes_once(
    app: App, alice: Person, open_dialog: Callable[[Json], Dialog]
) -> None:
    bodies = answering(app, "form", {})
    assert open_dialog(FORM).fill({"Title": "x"}).submit(times=2) is None
    assert len(bodies) == 2
    assert bodies[0]["view"] == bodies[1]["view"]
    assert bodies[0]["trigger_id"] != bodies[1]["trigger_id"]
    assert alice.dialog is None


def test_closing_is_told_on_request(app: App, open_dialog: Callable[[Json], Dialog]) -> None:
    closed: list[Json] = []

    @app.view_closed("form")
    def closing(ack: Any, body: Json) -> None:
        closed.append(body)
        ack()

    assert open_dialog(FORM).close() is None
    assert closed == []
    assert open_dialog(FORM | {"notify_on_close": True}).fill({"Title": "x"}).close() is None
    [body] = closed
    assert (body["type"], body["is_cleared"], "trigger_id" in body) == ("view_closed", False, False)
    assert body["view"]["state"]["values"]["title"]["value"]["value"] == "x"


def test_button_in_a_dialog_updates_it_and_typed_text_stays(app: App, open_dialog: Callable[[Json], Dialog]) -> None:
    add = {
        "type": "actions",
        "block_id": "b",
        "elements": [{"type": "button", "action_id": "add", "text": plain("Add")}],
    }

    @app.action("add")
    def more(ack: Any, body: Json, client: Any) -> None:
        assert body["container"] == {"type": "view", "view_id": body["view"]["id"]}
        assert "channel" not in body
        grown = modal("Form", TITLE, field("More", "more", text()), add, callback_id="form")
        client.views_update(view_id=body["view"]["id"], hash=body["view"]["hash"], view=grown)
        ack()

    dialog = open_dialog(modal("Form", TITLE, add, callback_id="form")).fill({"Title": "x"})
    dialog.clicks("Add")
    assert dialog.values == {"Title": "x", "More": None}


def test_input_that_dispatches_tells_the_app(app: App, open_dialog: Callable[[Json], Dialog]) -> None:
    told: list[Json] = []

    @app.action("value")
    def typed(ack: Any, action: Json) -> None:
        told.append(action)
        ack()

    open_dialog(modal("Form", TITLE | {"dispatch_action": True}, field("Quiet", "q", text("quiet")))).fill(
        {"Title": "x", "Quiet": "y"}
    )
    assert [(action["block_id"], action["value"]) for action in told] == [("title", "x")]


def test_external_select_offers_what_the_app_suggests(
    slack: Sandbox, app: App, open_dialog: Callable[[Json], Dialog]
) -> None:
    @app.options("evidence")
    def evidence(ack: Any, payload: Json) -> None:
        words = ["web is down", "web is up", "db is slow"]
        found = [word for word in words if payload["value"] in word]
        ack(options=[{"text": plain(word), "value": word} for word in found])

    bodies = answering(app, "form", {})
    select = {"type": "multi_external_select", "action_id": "evidence", "min_query_length": 0}
    dialog = open_dialog(modal("Form", field("Evidence", "e", select), callback_id="form"))
    assert dialog.suggestions("Evidence", "web") == ["web is down", "web is up"]
    with pytest.raises(LookupError, match="does not offer 'web'; it offers 'web is down', 'web is up'"):
        dialog.fill({"Evidence": ["web"]})
    dialog.fill({"Evidence": ["web is up", "db is slow"]})
    assert dialog.values == {"Evidence": ["web is up", "db is slow"]}
    assert dialog.submit() is None
    chosen = bodies[0]["view"]["state"]["values"]["e"]["evidence"]["selected_options"]
    assert [option["value"] for option in chosen] == ["web is up", "db is slow"]
    assert slack.violations == []


def test_wrong_suggestions_are_a_violation(slack: Sandbox, app: App, open_dialog: Callable[[Json], Dialog]) -> None:
    @app.options("evidence")
    def evidence(ack: Any) -> None:
        ack(options=[{"text": plain("x" * 76), "value": "v"}])

    select = {"type": "external_select", "action_id": "evidence"}
    assert open_dialog(modal("Form", field("Evidence", "e", select))).suggestions("Evidence", "x") == []
    assert len(slack.violations) == 1


def test_trigger_works_once_and_for_three_seconds(slack: Sandbox, app: App, alice: Person, ops: Channel) -> None:
    triggers: list[str] = []

    @app.command("/echo")
    def echo(ack: Any, command: Json) -> None:
        triggers.append(command["trigger_id"])
        ack()

    def refusal(trigger: str) -> str:
        with pytest.raises(SlackApiError) as refused:
            client(slack).views_open(trigger_id=trigger, view=FORM)
        return str(refused.value.response["error"])

    alice.types("/echo", ops)
    client(slack).views_open(trigger_id=triggers[0], view=FORM)
    assert refusal(triggers[0]) == "exchanged_trigger_id"
    alice.types("/echo", ops)
    slack.clock.advance(seconds=3)
    assert refusal(triggers[1]) == "expired_trigger_id"
    assert refusal("12345") == "invalid_trigger_id"


def test_wrong_view_is_refused_without_using_the_trigger_up(
    slack: Sandbox, app: App, alice: Person, ops: Channel
) -> None:
    triggers: list[str] = []

    @app.command("/echo")
    def echo(ack: Any, command: Json) -> None:
        triggers.append(command["trigger_id"])
        ack()

    alice.types("/echo", ops)
    wrong = copy.deepcopy(FORM) | {"title": plain("x" * 25)}
    with pytest.raises(SlackApiError) as refused:
        client(slack).views_open(trigger_id=triggers[0], view=wrong)
    assert refused.value.response.data == {
        "ok": False,
        "error": "invalid_arguments",
        "response_metadata": {
            "messages": [
                "[ERROR] failed to match all allowed schemas [json-pointer:/view]",
                "[ERROR] must be less than 25 characters [json-pointer:/view/title/text]",
            ]
        },
    }
    assert client(slack).views_open(trigger_id=triggers[0], view=FORM)["ok"]


def test_update_needs_an_open_view_its_hash_and_a_free_external_id(
    slack: Sandbox, open_dialog: Callable[[Json], Dialog], alice: Person
) -> None:
    web = client(slack)

    def refusal(**args: Any) -> str:
        with pytest.raises(SlackApiError) as refused:
            web.views_update(**args)
        return str(refused.value.response["error"])

    dialog = open_dialog(FORM | {"external_id": "mine"})
    old = dialog.view["hash"]
    web.views_update(external_id="mine", view=FORM | {"external_id": "mine"}, hash=old)
    assert refusal(view_id=dialog.view_id, view=FORM, hash=old) == "hash_conflict"
    assert refusal(external_id="yours", view=FORM) == "not_found"
    home = {"type": "home", "external_id": "home", "blocks": [{"type": "divider"}]}
    web.views_publish(user_id=alice.id, view=home)
    assert refusal(view_id=dialog.view_id, view=FORM | {"external_id": "home"}) == "duplicate_external_id"
    dialog.close()
    assert refusal(view_id=dialog.view_id, view=FORM) == "not_found"


def test_buttons_of_the_home_tab_are_clicked(slack: Sandbox, app: App, alice: Person) -> None:
    @app.event("app_home_opened")
    def opened(event: Json, client: Any) -> None:
        button = {"type": "button", "action_id": "done", "value": "3", "text": plain("Done")}
        section = {"type": "section", "text": plain("Fix it"), "accessory": button}
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [section]})

    @app.action("done")
    def done(ack: Any, body: Json, client: Any) -> None:
        blocks = [{"type": "section", "text": plain("All done")}]
        client.views_publish(user_id=body["user"]["id"], view={"type": "home", "blocks": blocks})
        ack()

    home = alice.home()
    assert home.text == "Fix it\n[Done]"
    home.clicks("Done")
    assert (home.text, alice.home().text) == ("All done", "Fix it\n[Done]")
    assert slack.violations == []


def test_clicks_need_interactivity_in_the_manifest() -> None:
    settings = {name: value for name, value in MANIFEST["settings"].items() if name != "interactivity"}
    with Sandbox(MANIFEST | {"settings": settings}) as slack:
        alice = slack.person("alice")
        reply = alice.uses_global_shortcut("Start")
        assert reply.text == "This app is not configured to handle interactive responses."
        assert slack.violations == ["shortcut: the manifest does not enable interactivity"]


def test_chosen_conversation_gets_a_response_url(
    app: App, alice: Person, ops: Channel, open_dialog: Callable[[Json], Dialog]
) -> None:
    @app.view("form")
    def submitted(ack: Any, body: Json) -> None:
        [leave] = body["response_urls"]
        assert (leave["block_id"], leave["action_id"], leave["channel_id"]) == ("where", "value", ops.id)
        WebhookClient(leave["response_url"]).send(text="told", response_type="in_channel")
        ack()

    where = {"type": "conversations_select", "action_id": "value", "response_url_enabled": True}
    dialog = open_dialog(modal("Form", field("Where", "where", where), callback_id="form"))
    assert dialog.fill({"Where": ops}).submit() is None
    assert [shown.text for shown in alice.sees(ops)] == ["told"]


def test_home_is_no_dialog_and_a_dialog_no_home(
    slack: Sandbox, open_dialog: Callable[[Json], Dialog], alice: Person
) -> None:
    home = {"type": "home", "blocks": [{"type": "divider"}]}
    dialog = open_dialog(FORM)
    web = client(slack)
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        web.views_update(view_id=dialog.view_id, view=home)
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        web.views_publish(user_id=alice.id, view=FORM)
