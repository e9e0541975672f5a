from __future__ import annotations

import json
from pathlib import Path

import pytest
import zmq

from bridge.wire.keys import KeyFolder
from plugin.cli.main import main


def test_keys_are_shown_let_in_and_sent_away(tmp_path: Path, capsys: pytest.CaptureFixture):
    stranger = next(key for key, _ in iter(zmq.curve_keypair, None) if not key.startswith(b"-")).decode()
    assert main(["keys", "show", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    keys = KeyFolder(tmp_path / "home" / "keys")
    assert (shown["client"], shown["service"]) == (keys.client_pair().public, keys.service_pair().public)
    assert shown["authorized"] == {}
    assert main(["keys", "authorize", stranger, "anna"]) == 0
    assert keys.authorized()[stranger] == "anna"
    capsys.readouterr()
    assert main(["keys", "show"]) == 0
    said = capsys.readouterr().out
    assert stranger in said and "anna" in said
    assert keys.client_pair().secret not in said and keys.service_pair().secret not in said
    assert main(["keys", "revoke", "anna"]) == 0
    assert stranger not in keys.authorized()


@pytest.mark.parametrize("arguments", [["authorize", "short"], ["revoke", "stranger"], ["revoke", "owner"]])
def test_what_is_no_key_is_refused_in_a_paragraph(arguments: list[str], capsys: pytest.CaptureFixture):
    assert main(["keys", *arguments]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("Error: ") and "Traceback" not in said.err and said.out == ""
