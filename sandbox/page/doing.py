"""What a person does on the page: each deed is one that the driver's people know, named in the request.

Runs in a thread beside the server's loop, as tests do.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sandbox import forms, interactions, messages
from sandbox.blockkit import blocks_in, elements_of
from sandbox.screen import Dialog, Home, Reply, Screen, shown
from sandbox.workspace import File

if TYPE_CHECKING:
    from sandbox.driver import Channel, Person, Sandbox
    from sandbox.page.story import Story
    from sandbox.screen import Shown


Json = dict[str, Any]
Deed = Callable[["Hands", Json], Json | None]

DEEDS: dict[str, Deed] = {}


class Hands:
    """The person that the page acts as, and the workspace they act in."""

    def __init__(self, slack: Sandbox, story: Story, person: Person) -> None:
        self.slack = slack
        self.story = story
        self.me = person

    def room(self, args: Json) -> Channel:
        """LookupError for a conversation that is not there, or that this person cannot see."""
        channel = self.slack.channel_by_id(str(args["room"]))
        if channel.private and self.me.id not in channel.state().members:
            raise LookupError("no such conversation")
        return channel

    def message(self, args: Json, ts: str = "ts") -> Shown:
        """A message as this person has it before them, one that only they see too."""
        channel, wanted = self.room(args), str(args[ts])

        def look() -> Shown:
            ws = self.slack.server.site.ws
            whispered = [e for e in ws.ephemerals if e["ts"] == wanted and e["recipient"] == self.me.id]
            message = whispered[0] if whispered else messages.find(channel.state(), wanted)
            return shown(ws, ws.users[self.me.id], channel.state(), message)

        return self.slack.server.call(look)

    def thread(self, args: Json) -> Shown | None:
        return self.message(args, "thread") if args.get("thread") else None

    def view(self, args: Json) -> Screen:
        """The person's own open dialog or Home tab with this id."""
        site, wanted = self.slack.server.site, str(args["view"])
        home = site.ws.homes.get(self.me.id)
        if home is not None and home.id == wanted:
            return Home(self.me, wanted)
        if all(view.id != wanted for view in site.ws.dialogs.get(self.me.id, [])):
            raise LookupError("this dialog is not open any more")
        return Dialog(self.me, wanted)


def do(slack: Sandbox, story: Story, person: Person, args: Json) -> Json:
    """Do what `args["do"]` names; the answer is for the page. LookupError when nothing is named so."""
    deed = DEEDS.get(str(args.get("do")))
    if deed is None:
        raise LookupError(f"nothing is called {args.get('do')!r} here")
    return deed(Hands(slack, story, person), args) or {}


def _deed(function: Deed) -> Deed:
    DEEDS[getattr(function, "__name__", "").rstrip("_")] = function
    return function


# -- saying ------------------------------------------------------------------------------------------------


@_deed
def say(hands: Hands, args: Json) -> Json:
    thread = hands.thread(args)
    said = hands.me.says(str(args["text"]), hands.room(args), thread=thread, broadcast=bool(args.get("broadcast")))
    return {"ts": said.ts}


@_deed
def command(hands: Hands, args: Json) -> Json:
    return _told(hands.me.types(str(args["text"]), hands.room(args)))


@_deed
def edit(hands: Hands, args: Json) -> None:
    hands.me.edits(hands.message(args), str(args["text"]))


@_deed
def delete(hands: Hands, args: Json) -> None:
    hands.me.deletes(hands.message(args))


@_deed
def react(hands: Hands, args: Json) -> None:
    hands.me.reacts(hands.message(args), str(args["emoji"]))


@_deed
def unreact(hands: Hands, args: Json) -> None:
    hands.me.unreacts(hands.message(args), str(args["emoji"]))


@_deed
def pin(hands: Hands, args: Json) -> None:
    hands.me.pins(hands.message(args))


@_deed
def unpin(hands: Hands, args: Json) -> None:
    hands.me.unpins(hands.message(args))


@_deed
def share(hands: Hands, args: Json) -> Json:
    content = base64.b64decode(str(args["content"]), validate=True)
    channel = hands.room(args)
    text = str(args.get("text", ""))
    shared = hands.me.shares(str(args["name"]), channel, text=text, content=content, thread=hands.thread(args))
    return {"ts": shared.ts}


# -- shortcuts, buttons, dialogs ---------------------------------------------------------------------------


@_deed
def shortcut(hands: Hands, args: Json) -> Json:
    return _told(hands.me.uses_shortcut(str(args["name"]), hands.message(args)))


@_deed
def global_shortcut(hands: Hands, args: Json) -> Json:
    return _told(hands.me.uses_global_shortcut(str(args["name"])))


@_deed
def home(hands: Hands, _: Json) -> None:
    hands.me.home()


@_deed
def act(hands: Hands, args: Json) -> Json:
    """Use an element of a message (`room`, `ts`) or of a view (`view`); `value` as `forms.fill` takes it."""
    block_id, action_id, value = str(args["block"]), str(args["action"]), args.get("value")
    within: Screen | Shown = hands.view(args) if args.get("view") else hands.message(args)

    def action() -> Json:
        blocks = within.state().content["blocks"] if isinstance(within, Screen) else _blocks(within)
        element = _element(blocks, block_id, action_id)
        if forms.is_field(element):
            _put(hands, within, {"blocks": blocks}, forms.label_of({"blocks": blocks}, block_id, action_id), value)
        return forms.action(element, block_id, value)

    return _told(hands.me.acts(within, hands.slack.server.call(action)))


@_deed
def fill(hands: Hands, args: Json) -> None:
    """Keep what stands in the fields of a view: `values` are lists of block_id, action_id, value."""
    _fill(hands, hands.view(args), args)
    hands.slack.server.note()


@_deed
def submit(hands: Hands, args: Json) -> None:
    dialog = hands.view(args)
    _fill(hands, dialog, args)
    if isinstance(dialog, Dialog):
        dialog.submit()


@_deed
def close(hands: Hands, args: Json) -> None:
    dialog = hands.view(args)
    if isinstance(dialog, Dialog):
        dialog.close(whole_stack=bool(args.get("all")))


@_deed
def suggest(hands: Hands, args: Json) -> Json:
    """What a menu whose options the app provides offers for what was typed."""
    view, site = hands.view(args), hands.slack.server.site
    block_id, action_id = str(args["block"]), str(args["action"])

    async def ask() -> Json:
        state = view.state()
        element = _element(state.content["blocks"], block_id, action_id)
        me = site.ws.users[hands.me.id]
        return await interactions.suggest(site, me, state, element, block_id, str(args.get("typed", "")))

    return hands.slack.server.wait_for(ask())


@_deed
def keep_file(hands: Hands, args: Json) -> Json:
    """A file chosen in a dialog; what `fill` takes for it."""
    content = base64.b64decode(str(args["content"]), validate=True)

    def keep() -> Json:
        ws = hands.slack.server.site.ws
        file = File(ws.new_id("F"), str(args["name"]), str(args["name"]), hands.me.id, content, ws.unix())
        ws.files[file.id] = file
        return {"file": messages.file_json(ws, file)}

    return hands.slack.server.call(keep)


# -- conversations -----------------------------------------------------------------------------------------


@_deed
def direct(hands: Hands, args: Json) -> Json:
    room = hands.me.dm(hands.slack.person_by_id(str(args["with"])))
    hands.slack.server.note()
    return {"room": room.id}


@_deed
def create(hands: Hands, args: Json) -> Json:
    return {"room": hands.me.creates(str(args["name"]), private=bool(args.get("private"))).id}


@_deed
def join(hands: Hands, args: Json) -> None:
    hands.me.joins(hands.room(args))


@_deed
def leave(hands: Hands, args: Json) -> None:
    hands.me.leaves(hands.room(args))


@_deed
def invite(hands: Hands, args: Json) -> None:
    hands.me.invites(hands.slack.person_by_id(str(args["who"])), hands.room(args))


# -- the clock, the story, and what goes wrong -------------------------------------------------------------


@_deed
def clock(hands: Hands, args: Json) -> None:
    """Move on by `hours` or `days`, to `tomorrow` at that hour in the person's zone, or stand still or run."""
    moved = hands.slack.clock
    if "still" in args:
        (moved.freeze if args["still"] else moved.run)()
    if "tomorrow" in args:
        zone = ZoneInfo(hands.me.tz)
        day = moved.now().astimezone(zone).date() + timedelta(days=1)
        moved.set(datetime(day.year, day.month, day.day, int(args["tomorrow"]), tzinfo=zone))
    moved.advance(hours=float(args.get("hours", 0)), days=float(args.get("days", 0)))
    hands.slack.settle()


@_deed
def fault(hands: Hands, args: Json) -> None:
    """Let something go wrong; which faults there are stands in the names below."""
    faults, slack = hands.slack.faults, hands.slack
    known: dict[str, Callable[[], object]] = {
        "rate_limit": lambda: faults.rate_limit(times=int(args.get("times", 3)), retry_after=2),
        "rate_limits": faults.rate_limits,
        "outage": lambda: faults.outage(timedelta(minutes=float(args.get("minutes", 10)))),
        "errors": lambda: faults.fail(times=int(args.get("times", 3))),
        "slow": lambda: faults.slow(float(args.get("seconds", 1))),
        "drop": faults.drop_sockets,
        "refresh": slack.refresh_sockets,
        "double": lambda: faults.double(int(args.get("times", 5))),
        "withhold": lambda: faults.withhold_acks(int(args.get("times", 1))),
        "clear": faults.clear,
    }
    name = str(args["name"])
    if name not in known:
        raise LookupError(f"no fault is called {name!r}; there are: {', '.join(known)}")
    known[name]()
    slack.server.note()


@_deed
def story(hands: Hands, args: Json) -> None:
    hands.story.set_pace(speed=args.get("speed"), paused=args.get("paused"), skipped=args.get("skipped"))


# -- within ------------------------------------------------------------------------------------------------


def _told(reply: Reply) -> Json:
    """What Slack itself says when the app did not answer; what the app says is on the page anyway."""
    return {"failed": reply.text} if reply.error else {}


def _fill(hands: Hands, screen: Screen, args: Json) -> None:
    """Fields that an update took away in the meantime are passed over."""

    def put() -> None:
        content = screen.state().content
        there = {(field.block_id, field.action_id): label for label, field in forms.fields(content).items()}
        for block_id, action_id, value in args.get("values", []):
            label = there.get((block_id, action_id))
            if label is not None:
                screen.state().errors.pop(label, None)
                _put(hands, screen, content, label, value)

    hands.slack.server.call(put)


def _put(hands: Hands, within: Screen | Shown, view: Json, label: str, value: Any) -> None:
    if isinstance(within, Screen):
        state = within.state()
        state.values = forms.fill(view, state.values, label, value)
        return
    typed = hands.slack.server.site.ws.conversations[within.channel].typed
    typed[within.ts] = forms.fill(view, typed.get(within.ts) or forms.initial_values(view), label, value)


def _blocks(message: Shown) -> list[Json]:
    attached = [block for a in message.payload.get("attachments", []) for block in a.get("blocks", [])]
    return [*message.blocks, *attached]


def _element(blocks: list[Json], block_id: str, action_id: str) -> Json:
    for block in blocks_in(blocks):
        for _, element in elements_of(block):
            if block["block_id"] == block_id and element.get("action_id") == action_id:
                return element
    raise LookupError("this is not there any more")
