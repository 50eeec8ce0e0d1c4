"""Vectors of numbers that a processor works on at once, as values within numba's functions.

numba vectorises a loop over an array, but it does not keep sums over several such loops in
registers. Here a value is as many numbers as a cache line holds (16 in single precision, 8 in
double); LLVM puts it into whatever registers the processor has. In a compiled function the
functions below work on such values and on one-dimensional arrays. Positions are not checked, and
not counted from the end. (There are no operators such as +: numba takes long to compile them.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils
from numba.extending import models, register_model

# Tables and features come in groups of so many channels.
CHANNELS_TOGETHER = 16
# Of the polynomials in a table.
N_COEFFICIENTS = 6
_BYTES = 64
# Sums may be added in another order, but what is not a number has to stay so: no "nnan", "ninf".
MATH = {"contract", "reassoc", "nsz", "arcp"}
_FLAGS = tuple(sorted(MATH))
_INT = ir.IntType(32)
# Its result is called without the first argument, which numba's own type does not know.
intrinsic: Any = extending.intrinsic


class Lanes(types.Type):
    """The type of a value: ``count`` numbers of a floating-point type."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        self.count = 8 * _BYTES // dtype.bitwidth
        super().__init__(name=f"Lanes({dtype} x {self.count})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Lanes) -> None:
        element = ir.FloatType() if kind.dtype.bitwidth == 32 else ir.DoubleType()
        super().__init__(manager, kind, ir.VectorType(element, kind.count))


class _Maker:
    """Writes the instructions of one call."""

    def __init__(self, context: Any, builder: Any, kind: Lanes) -> None:
        self.context, self.builder, self.kind = context, builder, kind
        self.vector = context.get_value_type(kind)
        self.alignment = kind.dtype.bitwidth // 8

    def pointer(self, array_type: Any, array: Any, at: Any, of: Any = None) -> Any:
        data = self.context.make_array(array_type)(self.context, self.builder, array).data
        pointer = self.builder.gep(data, [at])
        return self.builder.bitcast(pointer, (of or self.vector).as_pointer())

    def load(self, pointer: Any) -> Any:
        return self.builder.load(pointer, align=self.alignment)

    def store(self, value: Any, pointer: Any) -> None:
        self.builder.store(value, pointer, align=self.alignment)

    def plus(self, a: Any, b: Any) -> Any:
        return self.builder.fadd(a, b, flags=_FLAGS)

    def times(self, a: Any, b: Any) -> Any:
        return self.builder.fmul(a, b, flags=_FLAGS)

    def spread(self, number: Any) -> Any:
        nothing = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(nothing, number, ir.Constant(_INT, 0))
        mask = ir.Constant(ir.VectorType(_INT, self.kind.count), [0] * self.kind.count)
        return self.builder.shuffle_vector(first, nothing, mask)

    def number(self, array_type: Any, array: Any, at: Any, k: int) -> Any:
        """Load one number, ``k`` places behind ``at``."""
        place = self.builder.add(at, ir.Constant(at.type, k))
        return self.builder.load(self.pointer(array_type, array, place, self.vector.element))

    def part(self, many: Any, k: int) -> Any:
        return self.builder.extract_value(many, k)

    def shuffled(self, a: Any, b: Any, lanes: list[int]) -> Any:
        mask = ir.Constant(ir.VectorType(_INT, len(lanes)), lanes)
        return self.builder.shuffle_vector(a, b, mask)

    def sums(self, vectors: list[Any]) -> Any:
        """Return one vector whose k-th lane is the sum over the lanes of the k-th of vectors.

        Two vectors are folded into one that holds half as many partial sums of both, and so on:
        a fourth of the instructions of one sum after the other.
        """
        size = 1
        while size < len(vectors):
            size *= 2
        vectors = vectors + [ir.Constant(self.vector, None)] * (size - len(vectors))
        n, held = self.kind.count, 1
        while len(vectors) > 1 or n > held:
            half = n // held // 2
            again = len(vectors) == 1
            starts = [v + g * 2 * half for v in ((0,) if again else (0, n)) for g in range(held)]
            low = [start + i for start in starts for i in range(half)]
            high = [start + half + i for start in starts for i in range(half)]
            pairs = [(vectors[0], vectors[0])] if again else list(
                zip(vectors[::2], vectors[1::2], strict=True)
            )  # fmt: skip
            vectors = [
                self.plus(self.shuffled(a, b, low), self.shuffled(a, b, high)) for a, b in pairs
            ]
            if again:
                n //= 2
            else:
                held *= 2
        return vectors[0]


Made = tuple[Any, Callable[..., Any]]


@intrinsic
def plus(_: Any, a: Any, b: Any) -> Made:
    """Return a + b."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _Maker(context, builder, a).plus(*args)

    return a(a, b), make


@intrinsic
def times(_: Any, a: Any, b: Any) -> Made:
    """Return a b."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _Maker(context, builder, a).times(*args)

    return a(a, b), make


@intrinsic
def plus_product(_: Any, a: Any, b: Any, c: Any) -> Made:
    """Return a + b c."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        maker = _Maker(context, builder, a)
        return maker.plus(args[0], maker.times(args[1], args[2]))

    return a(a, b, c), make


@intrinsic
def take(_: Any, array: Any, at: Any) -> Made:
    """Return one number of an array."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(array)(context, builder, args[0]).data
        return builder.load(builder.gep(data, [args[1]]))

    return array.dtype(array, types.intp), make


@intrinsic
def spread(_: Any, number: Any) -> Made:
    """Return a value whose numbers are all the same."""
    kind = Lanes(number)

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _Maker(context, builder, kind).spread(args[0])

    return kind(number), make


@intrinsic
def load(_: Any, array: Any, at: Any) -> Made:
    """Return the numbers of an array from a position on."""
    kind = Lanes(array.dtype)

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        maker = _Maker(context, builder, kind)
        return maker.load(maker.pointer(array, args[0], args[1]))

    return kind(array, types.intp), make


def _coefficients(maker: _Maker, array: Any, args: Any) -> list[Any]:
    """Load the coefficients of polynomials of degree 5, one group of channels after the other."""
    shifts = (ir.Constant(args[1].type, k * CHANNELS_TOGETHER) for k in range(N_COEFFICIENTS))
    places = (maker.builder.add(args[1], shift) for shift in shifts)
    return [maker.load(maker.pointer(array, args[0], place)) for place in places]


@intrinsic
def polynomial(_: Any, array: Any, at: Any, t: Any) -> Made:
    """Return polynomials at t, whose coefficients an array has from a position on."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        maker = _Maker(context, builder, t)
        *lower, value = _coefficients(maker, array, args)
        for coefficient in reversed(lower):  # Horner's scheme
            value = maker.plus(coefficient, maker.times(value, args[2]))
        return value

    return t(array, types.intp, t), make


@intrinsic
def polynomial_and_slope(_: Any, array: Any, at: Any, t: Any) -> Made:
    """Return a tuple: polynomials as :func:`polynomial`, and their derivatives."""
    both = types.UniTuple(t, 2)

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        maker = _Maker(context, builder, t)
        *lower, value = _coefficients(maker, array, args)
        slope = value
        for k, coefficient in enumerate(reversed(lower)):
            value = maker.plus(coefficient, maker.times(value, args[2]))
            if k + 1 < len(lower):
                slope = maker.plus(value, maker.times(slope, args[2]))
        return context.make_tuple(builder, both, [value, slope])

    return both(array, types.intp, t), make


@intrinsic
def store(_: Any, array: Any, at: Any, value: Any) -> Made:
    """Write a value to an array."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        maker = _Maker(context, builder, value)
        maker.store(args[2], maker.pointer(array, args[0], args[1]))
        return context.get_dummy_value()

    return types.void(array, types.intp, value), make


@intrinsic(prefer_literal=True)
def zeros(_: Any, array: Any, n: Any) -> Made:
    """Return a tuple of ``n`` (a literal) values that are zero, of an array's type."""
    kind = Lanes(array.dtype)
    many = types.UniTuple(kind, n.literal_value)

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        zero = ir.Constant(_Maker(context, builder, kind).vector, None)
        return context.make_tuple(builder, many, [zero] * many.count)

    return many(array, n), make


@intrinsic
def load_many(_: Any, array: Any, at: Any, step: Any, like: Any) -> Made:
    """Return as many values as ``like`` has, each ``step`` behind the one before."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        maker = _Maker(context, builder, like.dtype)
        found, place = [], args[1]
        for _ in range(like.count):
            found.append(maker.load(maker.pointer(array, args[0], place)))
            place = builder.add(place, args[2])
        return context.make_tuple(builder, like, found)

    return like(array, types.intp, types.intp, like), make


@intrinsic
def store_many(_: Any, array: Any, at: Any, step: Any, many: Any) -> Made:
    """Write the values of a tuple, each ``step`` behind the one before."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        maker = _Maker(context, builder, many.dtype)
        place = args[1]
        for k in range(many.count):
            maker.store(maker.part(args[3], k), maker.pointer(array, args[0], place))
            place = builder.add(place, args[2])
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, many), make


@intrinsic
def plus_products(_: Any, many: Any, array: Any, at: Any, value: Any) -> Made:
    """Return ``many[k] + array[at + k] * value`` for all k."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        maker = _Maker(context, builder, value)
        found = []
        for k in range(many.count):
            number = maker.spread(maker.number(array, args[1], args[2], k))
            found.append(maker.plus(maker.part(args[0], k), maker.times(number, args[3])))
        return context.make_tuple(builder, many, found)

    return many(many, array, types.intp, value), make


@intrinsic
def combine(_: Any, many: Any, array: Any, at: Any) -> Made:
    """Return the sum over k of ``array[at + k] * many[k]``."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        maker = _Maker(context, builder, many.dtype)
        found = None
        for k in range(many.count):
            number = maker.spread(maker.number(array, args[1], args[2], k))
            term = maker.times(number, maker.part(args[0], k))
            found = term if found is None else maker.plus(found, term)
        return found

    return many.dtype(many, array, types.intp), make


@intrinsic
def two_products(_: Any, first: Any, a: Any, second: Any, b: Any) -> Made:
    """Return ``first[k] * a + second[k] * b`` for all k."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        maker = _Maker(context, builder, a)
        return context.make_tuple(
            builder,
            first,
            [
                maker.plus(
                    maker.times(maker.part(args[0], k), args[1]),
                    maker.times(maker.part(args[2], k), args[3]),
                )
                for k in range(first.count)
            ],
        )

    return first(first, a, second, b), make


@intrinsic
def add_sums(_: Any, many: Any, last: Any, array: Any, at: Any) -> Made:
    """Add to an array the sum over the lanes of each of ``many``, and of ``last`` behind them.

    As many numbers of the array are read and written as the next power of two.
    """

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        maker = _Maker(context, builder, last)
        vectors = [maker.part(args[0], k) for k in range(many.count)]
        sums = maker.sums([*vectors, args[1]])
        pointer = maker.pointer(array, args[2], args[3], sums.type)
        maker.store(maker.plus(maker.load(pointer), sums), pointer)
        return context.get_dummy_value()

    return types.void(many, last, array, types.intp), make


@intrinsic
def add_sum(_: Any, value: Any, array: Any, at: Any) -> Made:
    """Add to one number of an array the sum over the lanes of a value."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        maker = _Maker(context, builder, value)
        element = maker.vector.element
        name = f"llvm.vector.reduce.fadd.v{value.count}f{value.dtype.bitwidth}"
        kind = ir.FunctionType(element, [element, maker.vector])
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        total = builder.call(function, [ir.Constant(element, 0.0), args[0]], fastmath=_FLAGS)
        pointer = maker.pointer(array, args[1], args[2], element)
        builder.store(maker.plus(builder.load(pointer), total), pointer)
        return context.get_dummy_value()

    return types.void(value, array, types.intp), make
