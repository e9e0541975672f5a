"""keys show, authorize, revoke: who may use the service of this machine."""

from __future__ import annotations

import argparse
import json

from bridge.local.folders import key_folder, state_folder
from bridge.wire.keys import KeyFolder
from contract.errors import DONE
from plugin.cli.job_tables import table


def run(options: argparse.Namespace) -> int:
    """Carry one of these commands out; the exit code. Raises NotPrivate, BadKey, OutOfDisk."""
    keys = KeyFolder(key_folder(state_folder()))
    tell = {"show": _show, "authorize": _authorize, "revoke": _revoke}[options.action](keys, options)
    if options.json:
        print(json.dumps(tell))
    return DONE


def _show(keys: KeyFolder, options: argparse.Namespace) -> dict:
    own, service = keys.client_pair().public, keys.service_pair().public
    let_in = {key: name for key, name in keys.authorized().items() if key != own}
    if not options.json:
        print("Your key. Whoever runs a service on another machine lets you in with it:")
        print(f"    dynvfx keys authorize '{own}' NAME\n")
        print("The key of this machine's service. Others name it together with the address:")
        print(f"    --backend tcp://HOST:PORT --backend-key '{service}'\n")
        if let_in:
            print(table(["LET IN BESIDE YOU", "NAME"], [[key, name or "-"] for key, name in let_in.items()]))
        else:
            print("Nobody beside you is let in.")
    return {"client": own, "service": service, "authorized": let_in, "folder": str(keys.folder)}


def _authorize(keys: KeyFolder, options: argparse.Namespace) -> dict:
    keys.authorize(options.key, options.name)
    if not options.json:
        print(f"{options.name or options.key} is let in from now on, by a running service as well.")
    return {"authorized": options.key, "name": options.name}


def _revoke(keys: KeyFolder, options: argparse.Namespace) -> dict:
    gone = keys.revoke(options.key)
    if not options.json:
        print(f"{', '.join(gone)} is let in no longer; a running service has stopped answering it.")
    return {"revoked": gone}
