"""What a person has before them: messages, replies, dialogs, the Home tab."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox import dialogs, forms, interactions, mrkdwn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from sandbox.driver import Person
    from sandbox.workspace import Conversation, User, View, Workspace

Json = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """A message as one person sees it. `text` is all they read of it, in their own zone."""

    ts: str
    channel: str
    text: str
    author: str
    ephemeral: bool = False
    thread_ts: str | None = None
    blocks: list[Json] = field(default_factory=list, repr=False)
    files: list[Json] = field(default_factory=list, repr=False)
    reactions: dict[str, list[str]] = field(default_factory=dict, repr=False)
    pinned: bool = False
    edited: bool = False
    payload: Json = field(default_factory=dict, repr=False)

    @property
    def buttons(self) -> list[str]:
        return [label for label, _, _ in forms.buttons(self.blocks)]


def shown(
    ws: Workspace, reader: User, room: Conversation, message: Json, names: Mapping[str, str] | None = None
) -> Shown:
    """The message before this reader's eyes; `names` are the workspace's, where they are known already."""
    names = names or ws.names()
    author = message.get("username") or names.get(message.get("user", ""), "")
    if not author and "bot_profile" in message:
        author = message["bot_profile"]["name"]
    payload = copy.deepcopy(message)
    return Shown(
        message["ts"],
        room.id,
        text_of(message, names, reader.tz),
        author,
        ephemeral="recipient" in message,
        thread_ts=message.get("thread_ts"),
        blocks=payload.get("blocks", []),
        files=payload.get("files", []),
        reactions=payload.get("reactions", {}),
        pinned=message["ts"] in room.pins,
        edited="edited" in message,
        payload=payload,
    )


def text_of(message: Json, names: Mapping[str, str], zone: str) -> str:
    """Blocks stand in for the text where there are any; attachments come below."""
    parts = []
    if message.get("blocks") and "client_msg_id" not in message:
        parts.append(forms.read(message["blocks"], names=names, zone=zone))
    elif message.get("text"):
        parts.append(mrkdwn.readable(message["text"], names=names, zone=zone))
    for attachment in message.get("attachments", []):
        if attachment.get("blocks"):
            parts.append(forms.read(attachment["blocks"], names=names, zone=zone))
        else:
            texts = (attachment.get(name) for name in ("pretext", "title", "text"))
            parts += [mrkdwn.readable(text, names=names, zone=zone) for text in texts if text]
    return "\n".join(parts)


class Reply:
    """What came of a command, a shortcut or a click, as soon as the app has acknowledged it."""

    def __init__(self, coming: Future[tuple[str, str, list[Shown]]]) -> None:
        self._coming = coming

    @property
    def error(self) -> str:
        """Slack's error ("operation_timeout", "dispatch_failed"); empty when all went well."""
        return self._coming.result()[0]

    @property
    def text(self) -> str:
        """The error's sentence, or the latest that the app showed to the person meanwhile; may be empty."""
        error, sentence, messages = self._coming.result()
        if error or not messages:
            return sentence
        return messages[-1].text

    @property
    def shown(self) -> list[Shown]:
        """Everything that the app showed to the person meanwhile, in this place."""
        return self._coming.result()[2]

    @property
    def blocks(self) -> list[Json]:
        return self.message.blocks if self.shown else []

    @property
    def buttons(self) -> list[str]:
        return self.message.buttons if self.shown else []

    @property
    def message(self) -> Shown:
        if not self.shown:
            raise LookupError("nothing was shown: " + (self.text or "the app only acknowledged"))
        return self.shown[-1]

    def wait(self) -> Reply:
        self._coming.result()
        return self

    def __repr__(self) -> str:
        return f"Reply({self.error or self.text!r})"


class Screen:
    """A dialog or Home tab, always as it is now."""

    def __init__(self, person: Person, view_id: str) -> None:
        self._person = person
        self._server = person.server
        self.view_id = view_id

    @property
    def view(self) -> Json:
        """The view as Slack would send it to the app."""
        return self._server.call(lambda: dialogs.as_read(self._server.site.ws, self.state()))

    @property
    def text(self) -> str:
        """Everything a person reads, errors included."""

        def read() -> str:
            ws, view = self._server.site.ws, self.state()
            parts = [
                view.error,
                forms.read(view.content["blocks"], names=ws.names(), zone=self._person.tz, values=view.values),
                *(f"{label}: {sentence}" for label, sentence in view.errors.items()),
            ]
            return "\n".join(part for part in parts if part)

        return self._server.call(read)

    @property
    def blocks(self) -> list[Json]:
        return list(self.view["blocks"])

    @property
    def buttons(self) -> list[str]:
        return [label for label, _, _ in forms.buttons(self.blocks)]

    @property
    def private_metadata(self) -> str:
        return str(self.view["private_metadata"])

    @property
    def callback_id(self) -> str:
        return str(self.view["callback_id"])

    def clicks(self, label: str, nth: int = 0) -> Reply:
        return self._person.clicks(label, within=self, nth=nth)

    def chooses(self, label: str, option: Any) -> Reply:
        return self._person.chooses(label, option, within=self)

    def state(self) -> View:
        """On the server's loop only. Refused (not_found) when the view is gone."""
        return dialogs.by_id(self._server.site.ws, self.view_id)


class Home(Screen):
    """The Home tab of the app as one person has it."""


class Dialog(Screen):
    """A dialog; `fill` it by the labels that a person reads, then `submit`."""

    @property
    def title(self) -> str:
        return str(self.view["title"]["text"])

    @property
    def submit_label(self) -> str:
        return str((self.view["submit"] or {"text": ""})["text"])

    @property
    def labels(self) -> list[str]:
        return list(self._server.call(lambda: forms.fields(self.state().content)))

    @property
    def values(self) -> dict[str, Any]:
        """What stands in each field: texts, option texts, ids of people and channels, dates as Slack has them."""

        def read() -> dict[str, Any]:
            view = self.state()
            return {
                label: _plain(view.values.get(f.block_id, {}).get(f.action_id, {}))
                for label, f in forms.fields(view.content).items()
            }

        return self._server.call(read)

    @property
    def errors(self) -> dict[str, str]:
        """What stands under the fields in red, by label."""
        return self._server.call(lambda: dict(self.state().errors))

    @property
    def error(self) -> str:
        """What Slack itself says when the app's answer was late or wrong."""
        return self._server.call(lambda: self.state().error)

    def fill(self, values: Mapping[str, Any]) -> Dialog:
        """Type and choose; LookupError names the labels or options there are when there is no such one."""
        for label, value in values.items():
            self._fill_one(label, _typed(value))
        return self

    def suggestions(self, label: str, typed: str) -> list[str]:
        """What an external select offers for the letters typed into it."""
        return [option["text"]["text"] for option in self._suggested(label, typed)]

    def submit(self, times: int = 1) -> Dialog | None:
        """Submit, `times` times at once as a double click may; the dialog now shown, None when there is none.

        What Slack's client refuses by itself (required, too long, no e-mail address) is not sent: see `errors`.
        """
        self._server.wait_for(self._submit(times))
        return self._person.dialog

    def close(self, *, whole_stack: bool = False) -> Dialog | None:
        """Cancel; the dialog below it, if there is one."""
        site, user = self._server.site, self._person.id

        async def closing() -> None:
            await interactions.close(site, site.ws.users[user], self.state(), cleared=whole_stack)

        self._server.wait_for(closing())
        return self._person.dialog

    def __repr__(self) -> str:
        return f"Dialog({self.title!r}, {self.values})"

    def _fill_one(self, label: str, typed: Any) -> None:
        field = self._server.call(lambda: forms.field_of(self.state().content, label))
        outside = field.kind in {"external_select", "multi_external_select"} and typed is not None
        value = self._from_suggestions(label, typed) if outside else typed
        action = self._server.call(lambda: self._put(field, label, value))
        if field.dispatches:
            self._person.acts(self, action)
        else:
            self._server.note()

    async def _submit(self, times: int) -> None:
        site, view = self._server.site, self.state()
        if view.content.get("submit") is None and not any(b["type"] == "input" for b in view.content["blocks"]):
            raise LookupError("this dialog has nothing to submit")
        errors = forms.client_errors(view.content, view.values)
        if errors:
            view.errors = errors
            return
        await interactions.submit(site, site.ws.users[self._person.id], view, times=times)

    def _put(self, field: forms.Field, label: str, typed: Any) -> Json:
        """Put the value into the field and return the action that goes with it."""
        view = self.state()
        view.errors.pop(label, None)
        view.values = forms.fill(view.content, view.values, label, typed)
        return forms.action(field.element, field.block_id, typed)

    def _suggested(self, label: str, typed: str) -> list[Json]:
        site, user = self._server.site, self._person.id

        async def asking() -> Json:
            view = self.state()
            field = forms.field_of(view.content, label)
            person = site.ws.users[user]
            return await interactions.suggest(site, person, view, field.element, field.block_id, typed)

        answer = self._server.wait_for(asking())
        groups = answer.get("option_groups", [{"options": answer.get("options", [])}])
        return [option for group in groups for option in group["options"]]

    def _from_suggestions(self, label: str, typed: Any) -> Any:
        wanted = typed if isinstance(typed, list) else [typed]
        chosen = []
        for text in wanted:
            offered = self._suggested(label, str(text))
            found = [option for option in offered if option["text"]["text"] == text]
            if not found:
                texts = ", ".join(repr(option["text"]["text"]) for option in offered) or "nothing"
                raise LookupError(f"{label!r} does not offer {text!r}; it offers {texts}")
            chosen.append(found[0])
        return chosen if isinstance(typed, list) else chosen[0]


def _typed(value: Any) -> Any:
    """People and channels by their id, also within lists."""
    if isinstance(value, list | tuple | set):
        return [_typed(item) for item in value]
    return getattr(value, "id", value)


def _plain(value: Json) -> Any:
    for name, content in value.items():
        if name in {"type", "timezone"}:
            continue
        if name == "selected_option":
            return content["text"]["text"] if content else None
        if name == "selected_options":
            return [option["text"]["text"] for option in content or []]
        return content
    return None
