"""What the agent keeps on disk: the journal of changes in progress, and the takes of every shot.

Small JSON files in the user's data folder, each replaced atomically.
"""

import json
import os
import sys
from typing import Any, Dict, List, Optional, Set


def journal_folder() -> str:
    """The user's folder for the agent's files; the environment variable DYNVFX_HOME overrides it."""
    chosen = os.environ.get("DYNVFX_HOME", "").strip()
    if chosen:
        return os.path.join(os.path.abspath(chosen), "resolve")
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
    elif sys.platform == "darwin":
        base = os.path.join(home, "Library", "Application Support")
    else:
        base = os.environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    return os.path.join(base, "dynvfx", "resolve")


class AgentJournal:
    """The journal entries and the shots, below `folder`."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.begun: Set[str] = set()
        os.makedirs(os.path.join(folder, "journal"), mode=0o700, exist_ok=True)

    # Journal: written before the first call of a change, removed after its last ---------------------------------------

    def begin(self, entry: Dict[str, Any]) -> None:
        """Write an entry, identified by its "id"; written again at each stage of the change.

        `begun` has the ids of all entries of this process.
        """
        self.begun.add(entry["id"])
        _write(self._entry_path(entry["id"]), entry)

    def end(self, entry: Dict[str, Any]) -> None:
        """Remove an entry: its change is complete or undone."""
        try:
            os.remove(self._entry_path(entry["id"]))
        except FileNotFoundError:
            pass  # ended twice

    def unfinished(self) -> List[Dict[str, Any]]:
        """The entries that a killed agent left, oldest first."""
        folder = os.path.join(self.folder, "journal")
        entries = [_read(os.path.join(folder, name)) for name in sorted(os.listdir(folder)) if name.endswith(".json")]
        return [each for each in entries if each is not None]

    def _entry_path(self, name: str) -> str:
        return os.path.join(self.folder, "journal", name + ".json")

    # Shots ------------------------------------------------------------------------------------------------------------

    def shots(self, project: str) -> Dict[str, Dict[str, Any]]:
        """The stored facts of a project's shots, by clip uid."""
        return _read(self._shots_path(project)) or {}

    def shot(self, project: str, uid: str) -> Dict[str, Any]:
        """The stored facts of one shot: of its export "facts" and "media", of its takes "takes", "item", "timeline"."""
        return self.shots(project).get(uid, {})

    def update_shot(self, project: str, uid: str, **known: Any) -> None:
        """Update the stored facts of a shot."""
        shots = self.shots(project)
        shots.setdefault(uid, {}).update(known)
        _write(self._shots_path(project), shots)

    def _shots_path(self, project: str) -> str:
        safe = "".join(each if each.isalnum() or each in "-_" else "_" for each in project)
        return os.path.join(self.folder, safe + ".json")


def _write(path: str, content: Dict[str, Any]) -> None:
    partial = path + ".partial"
    with open(partial, "w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def _read(path: str) -> Optional[Dict[str, Any]]:
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
