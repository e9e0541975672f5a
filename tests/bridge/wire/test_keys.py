"""Keys are private, survive, and decide who is authorised."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from bridge.local.folders import key_folder, state_folder
from bridge.wire.keys import KeyFolder, is_key
from contract.errors import BadKey, NotPrivate
from tests.bridge.wire.wire_fixtures import new_pair

posix_only = pytest.mark.skipif(os.name != "posix", reason="permissions of this kind are POSIX")


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_keys_are_made_once_and_kept(tmp_path: Path) -> None:
    first = KeyFolder(tmp_path / "keys")
    service, client = first.service_pair(), first.client_pair()
    again = KeyFolder(tmp_path / "keys")
    assert (again.service_pair(), again.client_pair()) == (service, client)
    assert service != client
    for pair in (service, client):
        assert zmq.curve_public(pair.secret.encode()).decode() == pair.public
    assert (tmp_path / "keys/service.pub").read_text().strip() == service.public
    assert (tmp_path / "keys/client.pub").read_text().strip() == client.public


def test_no_public_key_looks_like_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of 85 would begin with a dash, which `--backend-key` and `keys authorize` cannot take."""
    dashed = next(pair for pair in iter(zmq.curve_keypair, None) if pair[0].startswith(b"-"))
    drawn = iter([dashed, dashed, usual := new_keypair()])
    monkeypatch.setattr("bridge.wire.keys.zmq.curve_keypair", lambda: next(drawn))
    assert KeyFolder(tmp_path).client_pair().public == usual[0].decode()


def new_keypair() -> tuple[bytes, bytes]:
    return next(pair for pair in iter(zmq.curve_keypair, None) if not pair[0].startswith(b"-"))


def test_a_secret_is_not_shown(tmp_path: Path) -> None:
    pair = KeyFolder(tmp_path).client_pair()
    assert pair.secret not in repr(pair) + str(pair) + f"{pair}"
    assert pair.public in repr(pair)


@posix_only
def test_only_the_user_reads_them(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o755)
    keys = KeyFolder(folder)
    keys.service_pair(), keys.client_pair()
    assert permissions(folder) == 0o700
    assert permissions(folder / "service.key") == permissions(folder / "client.key") == 0o600


@posix_only
def test_a_secret_that_others_could_read_is_not_used(tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path)
    keys.service_pair()
    (tmp_path / "service.key").chmod(0o644)
    with pytest.raises(NotPrivate, match="644") as caught:
        keys.service_pair()
    assert "chmod 600" in caught.value.remedy


def test_a_damaged_secret_is_named(tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path)
    keys.client_pair()
    (tmp_path / "client.key").write_text("rubbish")
    with pytest.raises(BadKey, match="client.key"):
        keys.client_pair()


def test_a_changed_public_file_is_put_right(tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path)
    pair = keys.client_pair()
    (tmp_path / "client.pub").write_text(new_pair().public)
    assert keys.client_pair() == pair
    assert (tmp_path / "client.pub").read_text().strip() == pair.public


def test_processes_that_start_at_once_agree_on_a_key(tmp_path: Path) -> None:
    code = "import sys; from bridge.wire.keys import KeyFolder; print(KeyFolder(sys.argv[1]).service_pair().public)"
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "k")], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    shown = {process.communicate(timeout=60)[0] for process in started}
    assert len(shown) == 1
    assert shown == {KeyFolder(tmp_path / "k").service_pair().public + "\n"}
    assert [path.name for path in (tmp_path / "k").glob(".*")] == []


def test_the_owner_is_always_let_in(tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path)
    assert dict(keys.authorized()) == {keys.client_pair().public: "owner"}
    with pytest.raises(BadKey, match="own user"):
        keys.revoke("owner")
    with pytest.raises(BadKey, match="own user"):
        keys.revoke(keys.owner)


def test_authorize_and_revoke(tmp_path: Path) -> None:
    keys, anna, ben = KeyFolder(tmp_path), new_pair().public, new_pair().public
    keys.authorize(anna, "Anna's  laptop")
    keys.authorize(ben)
    assert keys.authorized()[anna] == "Anna's laptop"
    assert keys.authorized()[ben] == ""
    keys.authorize(anna, "Anna")
    assert keys.authorized()[anna] == "Anna"
    assert len(keys.authorized()) == 3
    assert keys.revoke("Anna") == [anna]
    assert keys.revoke(ben) == [ben]
    assert set(keys.authorized()) == {keys.owner}
    with pytest.raises(BadKey, match="Stranger"):
        keys.revoke("Stranger")


@pytest.mark.parametrize("wrong", ["", "short", "x" * 39, "~" * 40, "é" * 40, "%" * 41, "#" * 40])
def test_what_is_no_key_is_not_authorised(tmp_path: Path, wrong: str) -> None:
    keys = KeyFolder(tmp_path)
    with pytest.raises(BadKey, match="not a public key"):
        keys.authorize(wrong)
    assert not keys.list_path.exists()


def test_changes_by_others_count_at_once(tmp_path: Path) -> None:
    running, other, key = KeyFolder(tmp_path), KeyFolder(tmp_path), new_pair().public
    assert key not in running.authorized()
    other.authorize(key, "new")
    assert key in running.authorized()
    other.revoke("new")
    assert key not in running.authorized()
    other.authorize(key)
    other.list_path.unlink()
    assert set(running.authorized()) == {running.owner}


def test_a_list_edited_by_hand(tmp_path: Path) -> None:
    keys, anna, ben = KeyFolder(tmp_path), new_pair().public, new_pair().public
    keys.list_path.write_text(f"# the cutting room\n\n  {anna}   Anna  \nnonsense here\n", encoding="utf-8")
    assert keys.authorized()[anna] == "Anna"
    keys.authorize(ben, "Ben")
    keys.revoke("Anna")
    text = keys.list_path.read_text(encoding="utf-8")
    assert text == f"# the cutting room\n\nnonsense here\n{ben} Ben\n"


def test_no_key_looks_like_a_comment() -> None:
    assert not is_key("#" + "0" * 39)


@given(
    st.one_of(st.text(max_size=60), st.text("0123456789abcdefABCDEF.-:+=^!/*?&<>()[]{}@%$#", min_size=40, max_size=40))
)
def test_is_key_never_fails(text: str) -> None:
    assert is_key(text) in (True, False)


@given(st.binary(min_size=32, max_size=32))
def test_every_key_is_one(raw: bytes) -> None:
    assert is_key(zmq.utils.z85.encode(raw).decode())


def test_places(tmp_path: Path) -> None:
    home = state_folder({"DYNVFX_HOME": str(tmp_path / "home")})
    assert home == tmp_path / "home"
    assert key_folder(home) == tmp_path / "home" / "keys"
    (tmp_path / "file").write_text("")
    with pytest.raises(NotPrivate, match="DYNVFX_HOME"):
        state_folder({"DYNVFX_HOME": str(tmp_path / "file" / "below")})
