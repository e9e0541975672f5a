"""Removes private details from a text and keeps what helps to find a fault.

What is known to be private (sentences of people, paths of their jobs, names of user and machine) goes wherever it
stands. What only looks like a path, a quotation, an address or a key goes as well: rather one word too many than one
too few. The same private thing has the same mark in the whole text, so that one sees what belongs together.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

PROGRAM_FOLDERS = (Path(sys.prefix), Path(sys.base_prefix), Path(__file__).resolve().parents[2])
PROGRAM_FILES = (".py", ".pyc", ".pyd", ".so", ".dll", ".dylib")
_BEGIN = r"""(?:\b[A-Za-z]:(?:[\\/]|\\\\)|(?<![\w\\])\\\\(?=[\w?.])|file://|(?<![\w:/.>\]-])~?/(?=[^\s/'">]))"""
_PART = r"""[^\s'"<>|“”*?]"""
_MORE = rf"""
    (?:
        # A name with spaces goes further when a folder's name ends behind them ...
        (?:[ ](?!{_BEGIN})[^\s/\\'"<>|:,;]+){{0,3}}[ ](?!{_BEGIN})[^\s/\\'"<>|:,;]+[\\/]{_PART}*
        # ... or when a file's does.
        | (?:[ ](?!{_BEGIN})[^\s/\\'"<>|:,;.]+){{0,3}}[ ](?!{_BEGIN})[^\s/\\'"<>|:,;]+\.[A-Za-z][A-Za-z0-9]{{1,4}}\b
    )*
    """
_PATH = re.compile(rf"(?x){_BEGIN}{_PART}*{_MORE}")
_REST = rf"(?P<rest>(?x:[\\/]{_PART}*{_MORE}))?"
_QUOTED = re.compile(r"""(?<![\w\\])(["'])(?P<text>(?:\\.|(?!\1)[^\\\n])*)\1|“(?P<curly>[^”\n]*)”""")
_COMMAND = re.compile(r"(?<=command: )\[.*\]$", re.MULTILINE)
_KEYS = re.compile(
    r"""(?x)
    \b(?:sk|hf|ghp|xox[a-z])[-_][A-Za-z0-9_-]{8,}     # keys of services, by their first letters
    | (?<=[Bb]earer[ ])\S+
    | (?<![!-~])[0-9A-Za-z.\-:+=^!/*?&<>()\[\]{}@%$\#]{40}(?![!-~])   # a CURVE key in Z85
    """
)
_ADDRESSES = re.compile(
    r"\b[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}\b|\b(?!127\.|0\.0\.0\.0)\d{1,3}(?:\.\d{1,3}){3}\b"
)
_LOGIN = re.compile(r"(?<=://)[^\s/@]+@")
_GENERAL_NAMES = {"root", "user", "admin", "home", "runner", "localhost", "ubuntu", "guest"}
_PLAIN_ARGUMENT = re.compile(
    r"-{1,2}[\w-]*|[\d.,:/x-]+|add|refine|demo|doctor|backend|jobs|watch|cancel|retry|takes|keys|logs|show|authorize"
    r"|revoke|draft|standard|reference|object|full_frame|openai|offline|tiny|prores4444|cpu|[0-9a-f]{12}"
)


class Redaction:
    """Call it with a text. `private` holds sentences and paths that are known to be private; `names` are words.

    Marks: <path 1>.mov (suffixes are kept), <text 1>, <name 1>, <key>, <address>, and <program>/... for files of
    this program and of Python, whose places in a traceback are what one looks for.
    """

    def __init__(self, private: Iterable[str] = (), names: Iterable[str] | None = None) -> None:
        self._marks: dict[str, dict[str, int]] = {"path": {}, "text": {}, "name": {}}
        # From its spelling in small letters to the spelling and to the whole.
        self._private: dict[str, tuple[str, str]] = {}
        for each in private:
            if len(each.strip()) > 2:
                inner = (each, repr(each)[1:-1], json.dumps(each)[1:-1], json.dumps(each, ensure_ascii=False)[1:-1])
                self._private |= {spelling.lower(): (spelling, each) for spelling in inner}
        self._names = _any_of(_names() if names is None else names)

    def __call__(self, text: str) -> str:
        """The text without it."""
        text = _LOGIN.sub("<key>@", text)
        small = text.lower()
        text = _any_of((said for lower, (said, _) in self._private.items() if lower in small), _REST).sub(
            self._known_one, text
        )
        text = _COMMAND.sub(lambda found: _QUOTED.sub(self._argument, found[0]), text)
        text = _QUOTED.sub(self._quotation, text)
        text = _PATH.sub(lambda found: self._path(found[0]), text)
        text = _ADDRESSES.sub("<address>", _KEYS.sub("<key>", text))
        return self._names.sub(lambda found: self._mark("name", found[0].lower()), text)

    def _known_one(self, found: re.Match) -> str:
        """Something known; what lies below a known folder goes with it."""
        said, rest = found["known"], found["rest"] or ""
        whole = self._private.get(said.lower(), (said, said))[1]
        return self._path(whole + rest) if _PATH.match(whole) else self._mark("text", whole) + rest

    def _argument(self, found: re.Match) -> str:
        """One word of a command line: options stay, what they are given goes."""
        quote, text = found[1] or "", found["text"] if found["text"] is not None else found["curly"]
        named = re.match(r"--[\w-]+=", text)
        option, value = (named[0], text[named.end() :]) if named else ("", text)
        if "<" not in value and not _PLAIN_ARGUMENT.fullmatch(value):
            value = self._path(value) if _PATH.match(value) else self._mark("text", value)
        return f"{quote}{option}{value}{quote}"

    def _quotation(self, found: re.Match) -> str:
        """Quoted paths go with all their spaces, other quotations when they have more than a word or are a person's."""
        if found["curly"] is not None:
            return f"“{self._mark('text', found['curly'])}”"
        inner = found["text"]
        if _PATH.match(inner):
            inner = self._path(inner)
        elif re.search(r"\s", inner.strip()) and "<" not in inner:
            inner = self._mark("text", inner)
        return f"{found[1]}{inner}{found[1]}"

    def _path(self, path: str) -> str:
        bare = path.rstrip(".,:;)]}")
        tail = path[len(bare) :]
        if bare.lower().endswith(PROGRAM_FILES):
            for folder in PROGRAM_FOLDERS:
                if bare.startswith(f"{folder}{os.sep}"):
                    return f"<program>{bare[len(str(folder)) :].replace(os.sep, '/')}{tail}"
        suffix = re.search(r"\.[A-Za-z0-9]{1,5}$", bare)
        return f"{self._mark('path', bare)}{suffix[0] if suffix else ''}{tail}"

    def _mark(self, kind: str, what: str) -> str:
        known = self._marks[kind]
        return f"<{kind} {known.setdefault(what, len(known) + 1)}>"


def _names() -> set[str]:
    """What user and machine are called."""
    names = {Path.home().name, socket.gethostname(), socket.gethostname().partition(".")[0]}
    try:
        names.add(getpass.getuser())
    except (OSError, KeyError):
        pass  # a user without a name, as in some containers
    if os.name == "posix":
        import pwd

        try:
            full = pwd.getpwuid(os.getuid()).pw_gecos.partition(",")[0]
        except KeyError:
            full = ""
        names |= {full, *full.split()}
    return {name for name in names if len(name) > 2 and name.lower() not in _GENERAL_NAMES}


def _any_of(words: Iterable[str], rest: str = "") -> re.Pattern:
    """Matches any of the words as a whole, longer ones first, and what may follow it; nothing when there are none."""
    ordered = sorted(set(words), key=len, reverse=True)
    if not ordered:
        return re.compile(r"(?!)")
    return re.compile(rf"(?<!\w)(?P<known>{'|'.join(map(re.escape, ordered))})(?!\w){rest}", re.IGNORECASE)
