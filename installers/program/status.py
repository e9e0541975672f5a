"""What is installed where, and whether it is unchanged. Standard library only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from installers.hosts.found_hosts import find_hosts
from installers.manifest import Manifest
from installers.places import Places
from installers.program.record_files import changed_files
from installers.program.versions import App


def collect(places: Places) -> dict[str, Any]:
    """All facts of `status`, in the form of --json. Raises BadRecord, OSError."""
    app = App(places.app)
    manifest = Manifest.read(app.manifest_file)
    name = app.current()
    facts = app.facts(name) if name else {}
    changed, gone = manifest.changed()
    if name:
        changed += changed_files(app.versions / name)
    having = {host["key"] for host in manifest.hosts}
    found = find_hosts(places)
    known = {host.key for host in found}
    hosts = [
        {
            "key": host.key,
            "label": host.label,
            "folder": str(host.target),
            "agent": host.key in having,
            "problem": host.problem,
        }
        for host in found
    ]
    hosts += [
        {
            "key": each["key"],
            "label": each["label"],
            "folder": each["target"],
            "agent": True,
            "problem": "no longer found",
        }
        for each in manifest.hosts
        if each["key"] not in known
    ]
    command = [path for path in manifest.files if Path(path).name == places.one("command").name]
    return {
        "installed": name is not None,
        "name": name or "",
        "version": facts.get("version", ""),
        "parts": [part for part in facts.get("parts", []) if part != "base"],
        "torch": facts.get("torch", ""),
        "app": str(app.folder),
        "command": command[0] if command else "",
        "on_path": bool(command) and Path(command[0]).parent in places.path_folders(),
        "service_home": str(places.service_home),
        "logs": str(places.logs),
        "downloads": str(app.downloads) if app.downloads.exists() else "",
        "hosts": hosts,
        "files": len(manifest.files),
        "changed": [str(path) for path in changed],
        "missing": [str(path) for path in gone],
        "other_versions": [other for other in app.names() if other != name],
        "running": app.users_of(),
        "interrupted": app.under_way(),
    }


def as_text(facts: dict[str, Any]) -> list[str]:
    """The lines that `status` prints."""
    interrupted = facts["interrupted"]
    lines = []
    if interrupted:
        lines.append(
            f"An {interrupted.get('command')} was interrupted ({interrupted.get('step')}). Run the same command again."
        )
    if not facts["installed"]:
        lines.append("DynVFX is not installed for this user. `python3 run.py install` installs it.")
    else:
        lines.append(f"DynVFX {facts['version']} ({facts['name']}): {' and '.join(facts['parts'])}; {facts['torch']}")
        lines.append(f"  program   {facts['app']}")
        hint = "" if facts["on_path"] else "  (this folder is not on your PATH)"
        lines.append(f"  command   {facts['command']}{hint}")
    lines.append(f"  your work {facts['service_home']}  (keys, jobs, takes; never part of the program)")
    lines.append(f"  logs      {facts['logs']}")
    if facts["downloads"]:
        lines.append(f"  downloads {facts['downloads']}  (for the next command; uninstalling removes them)")
    for host in facts["hosts"]:
        state = "has the agent" if host["agent"] else "without the agent"
        problem = f": {host['problem']}" if host["problem"] else ""
        lines.append(f"  {host['key']:<14} {host['label']}, {state}{problem}")
        if host["agent"]:
            lines.append(f"  {'':<14} {host['folder']}")
    if not facts["hosts"]:
        lines.append("  Neither Blender nor DaVinci Resolve was found.")
    lines += [f"  changed   {path}" for path in facts["changed"]]
    lines += [f"  missing   {path}  (run the installation command again to restore it)" for path in facts["missing"]]
    lines += [
        f"  older     {name}  (removed by the next command after it has ended)" for name in facts["other_versions"]
    ]
    lines += [f"  running   {each}" for each in facts["running"]]
    return lines
