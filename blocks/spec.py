"""BlockSpec: one building block of a mobile network, as integers and literals.

A block is the key of a row in a latency table, so it holds everything that its latency depends on and nothing else: no
position in a network, no ratio. Its text form is its identity::

    >>> block = BlockSpec.parse('ir-56x24-m72-o40-k5-s2-se24-hswish')
    >>> block.out_size, block.c_out, str(block)
    (28, 40, 'ir-56x24-m72-o40-k5-s2-se24-hswish')

A block for images that are not square has width x height x channels: ``conv-320x240x3-o16-k3-s2-hswish``.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

from edgenas.base.errors import InputError
from edgenas.blocks import counts
from edgenas.blocks.padding import same_differs
from edgenas.blocks.size import MOST, ImageSize, Rectangle, image_size, size_json, strided

Kind = Literal["conv", "sep", "ir", "head", "skip"]
Act = Literal["none", "relu", "relu6", "hswish"]

#: kind -> (description, fields of its text form after SIZExC_IN, in order; a field in brackets is optional)
KINDS: dict[Kind, tuple[str, tuple[str, ...]]] = {
    "conv": ("convolution + BN + activation: stems and plain 1x1", ("o", "k", "s", "[act]", "[same]")),
    "sep": ("depthwise + BN + activation, [SE], 1x1 + BN", ("o", "k", "s", "[se]", "[act]", "[res]", "[same]")),
    "ir": (
        "inverted residual: 1x1 expand, depthwise, [SE], 1x1 project",
        ("m", "o", "k", "s", "[se]", "[act]", "[res]", "[same]"),
    ),
    "head": ("global pool, [1x1 + activation], classifier", ("[m]", "o", "[act]")),
    "skip": ("nothing: the input is the output", ()),
}
ACTS: tuple[Act, ...] = get_args(Act)

_FIELD_OF = {"m": "c_mid", "o": "c_out", "k": "kernel", "s": "stride", "se": "c_se"}
_FLAGS = {"res": "residual", "same": "same"}
_SHAPE = re.compile(r"([1-9]\d{0,4})x(?:([1-9]\d{0,4})x)?([1-9]\d{0,5})")
_NUMBER = re.compile(r"(m|o|k|s|se)([1-9]\d{0,5})")


class _Memo:
    """Hash and text of a block, each computed once: tables and searches look the same blocks up millions of times."""

    __slots__ = ("_hash", "_text")
    _hash: int
    _text: str


@dataclass(frozen=True, slots=True, order=True)
class BlockSpec(_Memo):
    """One block. ``in_size`` is the size of its input in pixels (``edgenas.blocks.size``); ``c_...`` are numbers of
    channels.

    ``c_mid`` is the expanded width (``ir``) or the hidden width (``head``), 0 for none; ``c_se`` the squeezed width of
    squeeze-and-excitation, 0 for none; ``residual`` adds the input to the output; ``same`` pads as TensorFlow's SAME
    (``edgenas.blocks.padding``), True only where that differs from kernel // 2 on every side. Fields that a kind does
    not use hold their defaults, so that equal blocks are equal values. InputError where the fields contradict each
    other.
    """

    kind: Kind
    in_size: ImageSize
    c_in: int
    c_mid: int = 0
    c_out: int = 0
    kernel: int = 1
    stride: int = 1
    c_se: int = 0
    act: Act = "none"
    residual: bool = False
    same: bool = False

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            raise InputError(f"block {_text(self)!r}: {problem}")

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            own = (self.kind, self.in_size, self.c_in, self.c_mid, self.c_out, self.kernel, self.stride, self.c_se)
            object.__setattr__(self, "_hash", hash((*own, self.act, self.residual, self.same)))
            return self._hash

    def __str__(self) -> str:
        try:
            return self._text
        except AttributeError:
            object.__setattr__(self, "_text", _text(self))
            return self._text

    @property
    def out_size(self) -> ImageSize:
        """Size of the output in pixels: the input's size / stride, rounded up, with either padding."""
        return 1 if self.kind == "head" else strided(self.in_size, self.stride)

    @classmethod
    def parse(cls, text: str) -> BlockSpec:
        """Return the block of a text form (the inverse of ``str``); InputError names the text and the expected form."""
        return _parse(text)

    @property
    def macs(self) -> int:
        """Multiply-accumulates (MACs) for one image; see ``edgenas.blocks.counts``."""
        return counts.macs(self)

    @property
    def params(self) -> int:
        """Number of trainable parameters, batch norm not folded; see ``edgenas.blocks.counts``."""
        return counts.params(self)

    def as_dict(self) -> dict[str, Any]:
        """Return a dict of all fields, such as for a row of a data frame; ``in_size`` as ``size_json`` writes it."""
        return {**asdict(self), "in_size": size_json(self.in_size)}


def skip(size: ImageSize, channels: int) -> BlockSpec:
    """Return the skip block: its output is its input."""
    return BlockSpec("skip", size, channels, c_out=channels)


def _problem(b: BlockSpec) -> str | None:
    """Return a description of the first rule that ``b`` breaks, or None."""
    if b.kind not in KINDS:
        return f"kind {b.kind!r} is not one of {', '.join(KINDS)}"
    if b.act not in ACTS:
        return f"activation {b.act!r} is not one of {', '.join(ACTS)}"
    for name in ("in_size", "c_in", "c_mid", "c_out", "kernel", "stride", "c_se"):
        value = getattr(b, name)
        if name == "in_size" and isinstance(value, Rectangle):
            continue  # it has checked its sides
        if type(value) is not int:
            return f"{name}={value!r} is not a whole number"
        least = 0 if name in ("c_mid", "c_se") else 1
        most = MOST if name == "in_size" else 999_999
        if not least <= value <= most:
            return f"{name}={value} is outside {least}..{most}"
    if b.kernel % 2 == 0:
        return f"kernel {b.kernel} is even; odd kernels keep the image centred"
    if b.stride not in (1, 2):
        return f"stride {b.stride} is not 1 or 2"
    carried = {f.strip("[]") for f in KINDS[b.kind][1]}
    unused = {
        "m": (b.c_mid, 0),
        "k": (b.kernel, 1),
        "s": (b.stride, 1),
        "se": (b.c_se, 0),
        "act": (b.act, "none"),
        "res": (b.residual, False),
        "same": (b.same, False),
    }
    for name, (value, default) in unused.items():
        if name not in carried and value != default:
            return f"kind {b.kind} has no {_FIELD_OF.get(name, name)} (got {value})"
    if b.kind == "ir" and b.c_mid == 0:
        return "an inverted residual needs c_mid ≥ 1 (kind 'sep' has no expansion)"
    if b.kind == "head" and (b.c_mid == 0) != (b.act == "none"):
        return "a head has an activation exactly when it has a hidden layer (c_mid)"
    if b.kind == "skip" and b.c_out != b.c_in:
        return f"a skip keeps its width, but c_in={b.c_in} and c_out={b.c_out}"
    if b.residual and (b.stride != 1 or b.c_in != b.c_out):
        return f"a residual needs stride 1 and c_in = c_out, but stride={b.stride}, c_in={b.c_in}, c_out={b.c_out}"
    if b.same and not same_differs(b.kernel, b.stride, b.in_size):
        return "SAME pads as torch does, except at stride 2 on an even side with a kernel above 1; leave out same"
    return None


def _text(b: BlockSpec) -> str:
    parts = [str(b.kind), f"{b.in_size}x{b.c_in}"]
    for field in KINDS.get(b.kind, ("", ("m", "o", "k", "s", "[se]", "[act]", "[res]", "[same]")))[1]:
        name, optional = field.strip("[]"), field.startswith("[")
        if name == "act":
            parts += [b.act] if b.act != "none" else []
        elif name in _FLAGS:
            parts += [name] if getattr(b, _FLAGS[name]) else []
        else:
            value = getattr(b, _FIELD_OF[name])
            parts += [f"{name}{value}"] if value or not optional else []
    return "-".join(parts)


@lru_cache(maxsize=2**15)  # a table names each block in many lines
def _parse(text: str) -> BlockSpec:
    def refuse(why: str) -> InputError:
        return InputError(
            f"{text[:120]!r} is not a block: {why}; a block reads like 'ir-56x24-m72-o40-k5-s2-se24-hswish'"
        )

    parts = text.split("-")
    kind = parts[0]
    if kind not in KINDS:
        raise refuse(f"it starts with {kind[:20]!r}, not one of {', '.join(KINDS)}")
    shape = _SHAPE.fullmatch(parts[1]) if len(parts) > 1 else None
    if shape is None:
        raise refuse("after the kind comes SIZExCHANNELS, such as 56x24, or WIDTHxHEIGHTxCHANNELS")
    size = image_size(int(shape[1]), int(shape[2] or shape[1]))
    fields: dict[str, Any] = {"kind": kind, "in_size": size, "c_in": int(shape[3])}
    if kind == "skip":
        fields["c_out"] = fields["c_in"]
    for part in parts[2:]:
        number = _NUMBER.fullmatch(part)
        if number:
            fields[_FIELD_OF[number[1]]] = int(number[2])
        elif part in ACTS:
            fields["act"] = part
        elif part in _FLAGS:
            fields[_FLAGS[part]] = True
        else:
            raise refuse(f"{part[:20]!r} is not a field")
    if fields.get("c_out", 0) == 0:
        raise refuse("it has no output width, such as o40")
    block = BlockSpec(**fields)
    if _text(block) != text:
        raise refuse(f"its one spelling is {_text(block)!r}")
    return block
