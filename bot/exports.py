"""A Slack export: a folder or a zip, with channels, people, and day files full of messages.

Facts about the format: https://slack.com/help/articles/220556107-How-to-read-Slack-data-exports. A day file is a
day in Slack's own zone, so its name says nothing about its messages; a file may stand beside them that is none.
"""

from __future__ import annotations

import difflib
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol

from bot.errors import Refusal

Json = Mapping[str, Any]

CHUNK = 65_536
"""Characters read at a time."""

_DAY_FILE = re.compile(r"\d{4}-\d{2}-\d{2}\.json")


class NoExport(Refusal):
    """That is no Slack export; nothing was imported."""


class NoSuchChannel(Refusal):
    """The export has no such channel; nothing was imported."""


class FaultyFile(Exception):  # noqa: N818 - an outcome: the rest of the export is read all the same
    """A file of the export cannot be read; the message says why."""


@dataclass(frozen=True)
class DayFile:
    """One of the files that hold a channel's messages; `size` in bytes."""

    name: str
    size: int


@dataclass(frozen=True)
class ExportedChannel:
    """A channel as the export lists it; a channel that it does not list is named like its folder."""

    id: str
    name: str
    is_private: bool
    members: tuple[str, ...] = ()


class _Files(Protocol):
    def sizes(self) -> Mapping[str, int]: ...

    def open(self, name: str) -> BinaryIO: ...


class Export:
    """An export that lies open. `sizes` names every file in it with its bytes."""

    def __init__(self, files: _Files) -> None:
        self._files = files
        self._sizes = files.sizes()
        self._root = _root(self._sizes)

    def channel(self, name: str) -> ExportedChannel:
        """The channel of that name or id. Raises `NoSuchChannel`, which names those that are there."""
        wanted = name.removeprefix("#")
        listed = self._listed()
        for channel in listed:
            if wanted in {channel.name, channel.id} and self.day_files(channel):
                return channel
        folders = {PurePosixPath(path).parent.name for path in self._sizes if _DAY_FILE.fullmatch(_base(path))}
        if wanted in folders:
            return ExportedChannel(wanted, wanted, is_private=False)
        near = difflib.get_close_matches(wanted, folders, n=3, cutoff=0.4) or sorted(folders)[:5]
        raise NoSuchChannel(
            f"The export has no channel {wanted}, so nothing was imported. It has {', '.join(near) or 'none at all'}."
        )

    def _listed(self) -> list[ExportedChannel]:
        found = []
        for file, is_private in (("channels.json", False), ("groups.json", True)):
            for one in self._json(file):
                members = tuple(str(member) for member in one.get("members") or ())
                name = str(one.get("name") or one["id"])
                found.append(ExportedChannel(str(one["id"]), name, is_private, members))
        return found

    def people(self) -> list[Json]:
        """Slack's user objects; some exports have none."""
        return [one for one in self._json("users.json") if one.get("id")]

    def day_files(self, channel: ExportedChannel) -> list[DayFile]:
        """The files with a channel's messages, the oldest first."""
        folder = self._root / channel.name
        names = [path for path in self._sizes if PurePosixPath(path).parent == folder]
        return [DayFile(path, self._sizes[path]) for path in sorted(names) if _DAY_FILE.fullmatch(_base(path))]

    def others(self, channel: ExportedChannel) -> list[str]:
        """What lies in the channel's folder and holds no messages, e.g. its canvas."""
        folder = self._root / channel.name
        names = [path for path in self._sizes if PurePosixPath(path).parent == folder]
        return sorted(_base(path) for path in names if not _DAY_FILE.fullmatch(_base(path)))

    def messages(self, file: DayFile) -> Iterator[tuple[Any, int]]:
        """What stands in a file, one by one, and how many characters were read so far.

        Raises `FaultyFile` where it cannot be read any further.
        """
        with self._files.open(file.name) as raw, io.TextIOWrapper(raw, "utf-8-sig", errors="replace") as text:
            yield from _elements(text, _base(file.name))

    def _json(self, name: str) -> list[Json]:
        path = str(self._root / name)
        if path not in self._sizes:
            return []
        with self._files.open(path) as raw:
            try:
                found = json.load(raw)
            except ValueError as error:
                raise NoExport(f"{name} of the export is no JSON ({error}); nothing was imported.") from error
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


@contextmanager
def opened(path: Path) -> Iterator[Export]:
    """The export at a path, a folder or a zip. Raises `NoExport`."""
    if path.is_dir():
        yield Export(_Folder(path))
    elif path.is_file() and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield Export(_Zip(archive))
    else:
        what = "neither a folder nor a zip" if path.exists() else "not there"
        raise NoExport(f"{path} is {what}, so nothing was imported.")


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def sizes(self) -> Mapping[str, int]:
        return {
            file.relative_to(self._path).as_posix(): file.stat().st_size
            for file in self._path.rglob("*.json")
            if file.is_file()
        }

    def open(self, name: str) -> BinaryIO:
        return (self._path / name).open("rb")


class _Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def sizes(self) -> Mapping[str, int]:
        return {info.filename: info.file_size for info in self._archive.infolist() if info.filename.endswith(".json")}

    def open(self, name: str) -> BinaryIO:
        return self._archive.open(name)  # type: ignore[return-value]


def _base(path: str) -> str:
    return PurePosixPath(path).name


def _root(sizes: Mapping[str, int]) -> PurePosixPath:
    """Where the export begins: zips often have a folder around it."""
    lists = [PurePosixPath(path) for path in sizes if _base(path) in {"channels.json", "groups.json", "users.json"}]
    days = [PurePosixPath(path).parent for path in sizes if _DAY_FILE.fullmatch(_base(path))]
    found = [path.parent for path in lists] or [folder.parent for folder in days]
    if not days:
        raise NoExport("There are no day files like 2026-11-16.json in there, so nothing was imported.")
    return min(found, key=lambda folder: len(folder.parts))


def _elements(text: io.TextIOBase, name: str) -> Iterator[tuple[Any, int]]:
    """The elements of a JSON array, read piece by piece."""
    decoder, buffer, read, size = json.JSONDecoder(), "", 0, CHUNK
    between, at_end = "[", False
    while True:
        buffer = buffer.lstrip()
        if buffer.startswith(between):
            buffer, between = buffer[1:].lstrip(), ","
        if buffer.startswith("]"):
            return
        try:
            element, end = decoder.raw_decode(buffer)
        except ValueError as error:
            if at_end:
                raise FaultyFile(f"{name} is no JSON from character {read - len(buffer)} on") from error
            piece = text.read(size)
            at_end = not piece
            # An element that does not fit is looked at from its beginning each time; so take twice as much then.
            size = size * 2 if buffer else CHUNK
            buffer, read = buffer + piece, read + len(piece)
            continue
        yield element, read - len(buffer) + end
        buffer = buffer[end:]
