"""The published signatures, read from the stubs, and a check of arguments against them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

# Parameters that the stubs declare as required although their documentation calls them optional.
OPTIONAL = {
    "Timeline.AddTrack": {"subTrackType", "newTrackOptions"},
    "Timeline.DeleteClips": {"Bool"},
    "TimelineItem.GetStart": {"subframe_precision"},
    "TimelineItem.GetEnd": {"subframe_precision"},
    "TimelineItem.GetDuration": {"subframe_precision"},
    "TimelineItem.GetLeftOffset": {"subframe_precision"},
    "TimelineItem.GetRightOffset": {"subframe_precision"},
}
OPTIONAL_KEYS = {"NewTrackOptions": {"audiotype", "index"}, "MediaPoolClipInfo": {"trackIndex", "recordFrame"}}
# Calls documented only in versions newer or older than the stubs.
LATER = {"Timeline.GetSelectedClips": "def GetSelectedClips(self) -> List[TimelineItem]: ..."}


@dataclass(frozen=True)
class Parameter:
    name: str
    kind: ast.expr | None
    required: bool
    many: bool = False


Signature = tuple[Parameter, ...]


@cache
def _module() -> ast.Module:
    stubs = distribution("fusionscript-stubs").locate_file("fusionscript-stubs/fusionscript.pyi")
    return ast.parse(Path(str(stubs)).read_text(encoding="utf-8"))


@cache
def classes() -> dict[str, dict[str, tuple[Signature, ...]]]:
    """Class name -> method name -> its overloads."""
    found: dict[str, dict[str, list[Signature]]] = {}
    for node in _module().body:
        if isinstance(node, ast.ClassDef):
            methods = found.setdefault(node.name, {})
            for each in node.body:
                if isinstance(each, ast.FunctionDef):
                    methods.setdefault(each.name, []).append(_signature(f"{node.name}.{each.name}", each))
    for name, text in LATER.items():
        owner, method = name.split(".")
        function = ast.parse(text).body[0]
        assert isinstance(function, ast.FunctionDef)
        found[owner].setdefault(method, []).append(_signature(name, function))
    return {owner: {name: tuple(each) for name, each in methods.items()} for owner, methods in found.items()}


@cache
def constants() -> tuple[str, ...]:
    """Names of the constants on the Resolve object."""
    resolve = next(node for node in _module().body if isinstance(node, ast.ClassDef) and node.name == "Resolve")
    names = []
    for each in resolve.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            names.append(each.target.id)
        elif isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
            names.append(each.targets[0].id)
    return tuple(names)


@cache
def _aliases() -> dict[str, ast.expr]:
    named = {}
    for node in _module().body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named[node.targets[0].id] = node.value
    return named


@cache
def _typed_dicts() -> dict[str, dict[str, ast.expr]]:
    """TypedDict name -> key -> annotation."""
    found = {}
    for node in _module().body:
        if isinstance(node, ast.ClassDef) and any(isinstance(b, ast.Name) and b.id == "TypedDict" for b in node.bases):
            fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
            found[node.name] = {each.target.id: each.annotation for each in fields if isinstance(each.target, ast.Name)}
    return found


def _signature(name: str, function: ast.FunctionDef) -> Signature:
    given = function.args.args[1:]
    first_default = len(given) - len(function.args.defaults)
    parameters = []
    for place, each in enumerate(given):
        free = place >= first_default or _is(each.annotation, "Optional") or each.arg in OPTIONAL.get(name, ())
        parameters.append(Parameter(each.arg, each.annotation, not free))
    if function.args.vararg:
        parameters.append(Parameter(function.args.vararg.arg, function.args.vararg.annotation, False, many=True))
    return tuple(parameters)


def check_call(owner: str, method: str, overloads: tuple[Signature, ...], given: tuple, named: dict) -> None:
    """Raise TypeError unless one overload takes these arguments."""
    if named:
        raise TypeError(f"{owner}.{method} takes no keywords: {sorted(named)}")
    reasons = [_refused(each, given) for each in overloads]
    if all(reasons):
        raise TypeError(f"{owner}.{method}{given!r}: " + "; ".join(reason for reason in reasons if reason))


def _refused(signature: Signature, given: tuple) -> str:
    single = [each for each in signature if not each.many]
    rest = next((each for each in signature if each.many), None)
    if len(given) < sum(each.required for each in single):
        return f"takes at least {sum(each.required for each in single)} arguments, not {len(given)}"
    if len(given) > len(single) and rest is None:
        return f"takes at most {len(single)} arguments, not {len(given)}"
    wanted = single[: len(given)] + [rest] * (len(given) - len(single))
    for value, parameter in zip(given, wanted, strict=True):
        if parameter is not None and not fits(value, parameter.kind):
            kind = ast.unparse(parameter.kind) if parameter.kind else "Any"
            return f"{parameter.name} must be {kind}, not {value!r}"
    return ""


def _is(node: ast.expr | None, name: str) -> bool:
    return isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == name


def fits(value: object, kind: ast.expr | None) -> bool:
    """Whether a value matches an annotation of the stubs."""
    if kind is None:
        return True
    if isinstance(kind, ast.BinOp) and isinstance(kind.op, ast.BitOr):
        return fits(value, kind.left) or fits(value, kind.right)
    if isinstance(kind, ast.BinOp) and isinstance(kind.op, ast.Add):
        # SubTrackType: names, and a comprehension of numbered ones.
        return fits(value, kind.left) or (isinstance(value, str) and value.startswith("adaptive"))
    if isinstance(kind, ast.Constant):
        return value is None
    if isinstance(kind, ast.Name):
        return _fits_name(value, kind.id)
    if _is(kind, "Optional"):
        return fits(value, kind.slice)
    if _is(kind, "List") or _is(kind, "list"):
        return isinstance(value, list) and all(fits(each, kind.slice) for each in value)
    if _is(kind, "NotRequired"):
        return fits(value, kind.slice)
    if _is(kind, "Literal"):
        choices = kind.slice.elts if isinstance(kind.slice, ast.Tuple) else [kind.slice]
        return any(_is_choice(value, choice) for choice in choices)
    if _is(kind, "dict"):
        return isinstance(value, dict)
    raise AssertionError(f"the double does not know the kind {ast.unparse(kind)}")


def _fits_name(value: object, name: str) -> bool:
    plain = {"str": str, "int": int, "bool": bool, "list": list, "dict": dict}
    if name == "Any":
        return True
    if name == "int" or name == "bool":
        return isinstance(value, plain[name]) and (name == "bool" or not isinstance(value, bool))
    if name == "float":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if name in plain:
        return isinstance(value, plain[name])
    if name in _typed_dicts():
        return _fits_dict(value, name)
    if name in _aliases():
        return fits(value, _aliases()[name])
    if name in classes():
        return getattr(type(value), "is_handle", False) and value.__dict__["_kind"] == name
    raise AssertionError(f"the double does not know the kind {name}")


def _fits_dict(value: object, name: str) -> bool:
    fields = _typed_dicts()[name]
    optional = {key for key, kind in fields.items() if _is(kind, "NotRequired")} | OPTIONAL_KEYS.get(name, set())
    if not isinstance(value, dict) or not set(fields) - optional <= set(value) <= set(fields):
        return False
    return all(fits(value[key], fields[key]) for key in value)


def _is_choice(value: object, choice: ast.expr) -> bool:
    if isinstance(choice, ast.Constant):
        return type(value) is type(choice.value) and value == choice.value
    assert isinstance(choice, ast.Attribute)
    return value == constant(choice.attr)


def constant(name: str) -> str:
    """The value of a constant: opaque on purpose, so that the agent cannot depend on its number."""
    return f"<{name}>"
