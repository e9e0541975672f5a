"""One name for one thing: no public class name means two things, and identifiers use the field's own words."""

from __future__ import annotations

import ast
import io
import keyword
import re
import tokenize
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("contract", "media", "bridge", "backend", "dynvfx", "plugin", "installers")
# Each of these is installed into another program, on its own: the two agents are siblings, not namesakes.
AGENTS = ("plugin/blender", "plugin/resolve")
# Words of a story, where a program sends, receives, reports and stores.
STORY_WORDS = re.compile(
    r"(^|_)(told|tell|tells|teller|telling|heard|hears|tale|tales|errands?|nobody|somebody|unsaid|nursery)(_|$)"
)


def product_files() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def public_classes(paths: list[Path], root: Path) -> dict[str, list[str]]:
    """Where each public class name of the top level of a module is defined."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(path.relative_to(root).as_posix())
    return found


def story_words(text: str) -> set[str]:
    """Identifiers of a source text that only a reader of the story would understand."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    names = {token.string for token in tokens if token.type == tokenize.NAME and not keyword.iskeyword(token.string)}
    names.discard("tell")  # the position of a file object
    return {name for name in names if STORY_WORDS.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())}


def test_a_class_name_means_one_thing() -> None:
    paths = [path for path in product_files() if not path.relative_to(ROOT).as_posix().startswith(AGENTS)]
    assert {name: places for name, places in public_classes(paths, ROOT).items() if len(places) > 1} == {}


def test_identifiers_use_the_fields_words() -> None:
    tests = sorted((ROOT / "tests").rglob("*.py"))
    found = {
        path.relative_to(ROOT).as_posix(): story_words(path.read_text("utf-8")) for path in [*product_files(), *tests]
    }
    assert {path: names for path, names in found.items() if names} == {}


def test_the_checks_find_what_they_look_for(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("class Reply: ...\nclass _Own: ...\n")
    assert public_classes(sorted(tmp_path.glob("*.py")), tmp_path) == {"Reply": ["a.py", "b.py"]}
    assert story_words("told = teller_of(x)\nclass JobTale: ...\n# told\nhold = 'told'") == {
        "told",
        "teller_of",
        "JobTale",
    }
