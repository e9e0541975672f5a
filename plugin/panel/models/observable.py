"""Fields that report their changes, so that widgets bind to them and hold no logic."""

from __future__ import annotations

from typing import Any, Generic, Self, TypeVar, overload

from PyQt6.QtCore import QObject, pyqtSignal

T = TypeVar("T")


class Observable(QObject):
    """Base of all models: `changed` carries the name of the field that has another value now."""

    changed = pyqtSignal(str)


class Field(Generic[T]):
    """A field of an Observable; setting it to another value emits `changed` with its name."""

    def __init__(self, default: T) -> None:
        self._default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self._name, self._slot = name, f"_field_{name}"

    @overload
    def __get__(self, model: None, owner: type) -> Self: ...

    @overload
    def __get__(self, model: Observable, owner: type) -> T: ...

    def __get__(self, model: Observable | None, owner: type) -> Any:
        return self if model is None else model.__dict__.get(self._slot, self._default)

    def __set__(self, model: Observable, value: T) -> None:
        if self.__get__(model, type(model)) != value:
            model.__dict__[self._slot] = value
            model.changed.emit(self._name)
