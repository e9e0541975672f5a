"""A stand-in for an Apple GPU: tensors on the device "mps", whose numbers the processor calculates.

Like torch on the real device it refuses float64, operations between tensors of two devices, and numpy views of its
tensors, and on request a number format or single operations. It cannot show what Metal's own kernels do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from dynvfx import device as devices

MEMORY = 24_000_000_000
NAME = "Apple M2 Max"
_INDEXING = ("index", "index_put", "index_put_", "_index_put_impl_", "__getitem__", "__setitem__")
"""Operations whose indices may be on the processor."""


class AppleTensor(torch.Tensor):
    """A tensor on "mps:0"; `numbers` is where they really are."""

    numbers: torch.Tensor

    @staticmethod
    def __new__(cls, numbers: torch.Tensor) -> AppleTensor:
        if numbers.dtype in (torch.float64, torch.complex128):
            raise TypeError(f"Cannot convert a MPS Tensor to {numbers.dtype} dtype as the MPS framework lacks it.")
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            numbers.shape,
            strides=numbers.stride(),
            storage_offset=numbers.storage_offset(),
            dtype=numbers.dtype,
            device="mps:0",
        )
        made.numbers = numbers
        return made

    def __repr__(self, *, tensor_contents: object = None) -> str:
        return f"AppleTensor({self.numbers})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _carry_out(func, func.overloadpacket.__name__, args, kwargs or {}, NO_LIMITS)


class Limits:
    """What the device cannot do: number formats, and operations by their names in ATen."""

    def __init__(self, formats: Collection[torch.dtype] = (), operations: Collection[str] = ()) -> None:
        self.formats, self.operations = formats, operations


NO_LIMITS = Limits()


def _carry_out(func: Any, name: str, args: Any, kwargs: dict[str, Any], limits: Limits) -> Any:
    given = [each for each in tree_flatten((args, kwargs))[0] if isinstance(each, torch.Tensor)]
    apple = [each for each in given if isinstance(each, AppleTensor)]
    device = kwargs.get("device")
    is_apple = torch.device(device).type == "mps" if device is not None else bool(apple)
    if apple and name not in ("_to_copy", "copy_"):
        checked = [args[0]] if name in _INDEXING else given
        if any(not isinstance(each, AppleTensor) and each.ndim > 0 for each in checked):
            raise RuntimeError(f"Expected all tensors to be on the same device, in {name}: mps:0 and cpu")
    if is_apple and name in limits.operations:
        raise NotImplementedError(f"The operator 'aten::{name}' is not currently implemented for the MPS device.")
    plain_args, plain_kwargs = tree_map(lambda each: getattr(each, "numbers", each), (args, kwargs))
    if device is not None:
        plain_kwargs["device"] = "cpu"
    made = func(*plain_args, **plain_kwargs)
    return tree_map(lambda each: _on_apple(each, limits) if is_apple and isinstance(each, torch.Tensor) else each, made)


def _on_apple(numbers: torch.Tensor, limits: Limits) -> AppleTensor:
    if numbers.dtype in limits.formats:
        raise TypeError(f"{numbers.dtype} is not supported on MPS")
    return AppleTensor(numbers)


class _Dispatch(TorchDispatchMode):
    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self._limits = limits

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _carry_out(func, func.overloadpacket.__name__, args, kwargs or {}, self._limits)


class _Functions(TorchFunctionMode):
    """Answers what this build of torch would ask its missing Metal part."""

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self._limits = limits

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name == "numpy" and isinstance(args[0], AppleTensor):
            raise TypeError("can't convert mps:0 device type tensor to numpy. Use Tensor.cpu() first.")
        if name == "tolist" and isinstance(args[0], AppleTensor):
            return args[0].numbers.tolist()
        if name == "tensor" and "mps" in str((kwargs or {}).get("device")):
            return func(*args, **{**kwargs, "device": "cpu"}).to("mps:0")
        if name == "scaled_dot_product_attention" and isinstance(args[0], AppleTensor):
            return _carry_out(func, name, args, kwargs or {}, self._limits)
        args, kwargs = tree_map(_with_index, (args, kwargs or {}))
        try:
            return func(*args, **kwargs)
        except RuntimeError as error:
            if "not linked with support for mps" not in str(error):
                raise
            return _carry_out(func, name, args, kwargs, self._limits)


def _with_index(given: Any) -> Any:
    is_named = isinstance(given, torch.device | str) and str(given) == "mps"
    return torch.device("mps", 0) if is_named else given


@contextmanager
def apple_gpu(
    formats: Collection[torch.dtype] = (), operations: Collection[str] = (), memory: int = MEMORY
) -> Iterator[None]:
    """A Mac inside the block, whose GPU lacks number `formats` and `operations`."""
    devices.calculates.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", cache(lambda: False))
        patch.setattr(torch.backends.mps, "is_built", lambda: True)
        patch.setattr(torch.backends.mps, "is_available", cache(lambda: True))  # wrapped, as torch expects
        patch.setattr(torch.backends.mps, "get_name", lambda: NAME, raising=False)
        patch.setattr(torch.mps, "recommended_max_memory", lambda: memory)
        patch.setattr(torch.mps, "driver_allocated_memory", lambda: 1_000_000_000)
        patch.setattr(torch.mps, "empty_cache", lambda: None)
        # Moved parameters are new ones: the data of an existing one cannot become another class of tensor.
        patch.setattr(torch.__future__, "_overwrite_module_params_on_conversion", True)
        try:
            with _Functions(limits := Limits(formats, operations)), _Dispatch(limits):
                yield
        finally:
            devices.calculates.cache_clear()
