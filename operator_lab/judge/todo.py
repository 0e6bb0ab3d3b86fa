"""The mark of an exercise nobody has begun."""

from __future__ import annotations


class Unfinished(NotImplementedError):
    """The mark was used in a formula. Any other NotImplementedError is an error like others."""


class _Todo:
    """Stands where an answer belongs; using it in a formula means the formula is not finished."""

    def __repr__(self) -> str:
        return "TODO"

    def _unfinished(self, *_args, **_kwargs):
        raise Unfinished("TODO still stands where an answer belongs")

    def __getattr__(self, name: str):
        if name.startswith("_"):  # so that displaying or copying the mark stays harmless
            raise AttributeError(name)
        self._unfinished()

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _unfinished
    __matmul__ = __rmatmul__ = __truediv__ = __rtruediv__ = __pow__ = __rpow__ = _unfinished
    __neg__ = __getitem__ = __iter__ = __call__ = __float__ = _unfinished
    # Without these NumPy and torch would complain about a strange object instead.
    __array__ = __array_ufunc__ = __array_function__ = _unfinished

    @classmethod
    def __torch_function__(cls, *_args, **_kwargs):
        TODO._unfinished()


TODO = _Todo()


def unfinished(value: object) -> bool:
    """Whether an answer is, or holds, the mark (or Python's own `...`)."""
    if isinstance(value, (tuple, list)):
        return any(item is TODO or item is Ellipsis for item in value)
    return value is TODO or value is Ellipsis
