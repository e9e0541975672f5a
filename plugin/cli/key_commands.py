"""keys show, authorize, revoke: who may use the backend of this machine."""

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
    result = {"show": _show, "authorize": _authorize, "revoke": _revoke}[options.action](keys, options)
    if options.json:
        print(json.dumps(result))
    return DONE


def _show(keys: KeyFolder, options: argparse.Namespace) -> dict:
    own, service = keys.client_pair().public, keys.service_pair().public
    let_in = {key: name for key, name in keys.authorized().items() if key != own}
    if not options.json:
        print("Your key. The owner of a backend on another machine authorizes it with:")
        print(f"    dynvfx keys authorize '{own}' NAME\n")
        print("The key of this machine's backend. Others give it together with the address:")
        print(f"    --backend tcp://HOST:PORT --backend-key '{service}'\n")
        if let_in:
            print(table(["AUTHORIZED KEY", "NAME"], [[key, name or "-"] for key, name in let_in.items()]))
        else:
            print("No other key is authorized.")
    return {"client": own, "service": service, "authorized": let_in, "folder": str(keys.folder)}


def _authorize(keys: KeyFolder, options: argparse.Namespace) -> dict:
    keys.authorize(options.key, options.name)
    if not options.json:
        print(f"{options.name or options.key} is authorized from now on, for a running backend as well.")
    return {"authorized": options.key, "name": options.name}


def _revoke(keys: KeyFolder, options: argparse.Namespace) -> dict:
    gone = keys.revoke(options.key)
    if not options.json:
        print(f"{', '.join(gone)} is no longer authorized; a running backend has stopped answering it.")
    return {"revoked": gone}
