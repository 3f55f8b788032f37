"""Blocks as text and as values, the rules they keep, and the errors that say so."""

from __future__ import annotations

import doctest
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
import torch

from edgenas.base import errors
from edgenas.base.errors import EdgenasError, InputError
from edgenas.blocks import spec
from edgenas.blocks.size import as_size, axes
from edgenas.blocks.spec import KINDS, BlockSpec
from edgenas.blocks.torch_modules import BlockModule
from tests.support.strategies import block_specs

EVERY_KIND = tuple(KINDS)


@settings(deadline=None)
@given(block_specs(EVERY_KIND, max_size=99_999, max_width=999_999))
def test_text_and_value_say_the_same(block: BlockSpec) -> None:
    assert BlockSpec.parse(str(block)) == block
    assert BlockSpec(**{**block.as_dict(), "in_size": as_size(block.as_dict()["in_size"])}) == block


@settings(deadline=None)
@given(block_specs(EVERY_KIND), block_specs(EVERY_KIND))
def test_different_blocks_have_different_texts(one: BlockSpec, other: BlockSpec) -> None:
    assert (str(one) == str(other)) == (one == other)


@st.composite
def mutated_texts(draw: st.DrawFn) -> str:
    """A block's text with a piece cut out, put in, doubled or swapped, as slips of a keyboard are."""
    text = str(draw(block_specs(EVERY_KIND)))
    parts = text.split("-")
    at, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
    return draw(
        st.sampled_from(
            (
                text[:at] + text[end:],
                text[:at] + draw(st.sampled_from(" -_0x9msekohrlu.+\n\tA६²")) + text[at:],
                text + "-" + draw(st.sampled_from(parts)),
                "-".join(reversed(parts)),
                "-".join(draw(st.permutations(parts))),
                text.upper(),
                text + " ",
                text.replace("x", "×"),
            )
        )
    )


def refuses_or_spells(text: str) -> None:
    """Either the text is the one spelling of a block, or InputError: never another block, never another exception."""
    try:
        block = BlockSpec.parse(text)
    except InputError:
        return
    assert str(block) == text


@settings(max_examples=400, deadline=None)
@given(mutated_texts())
@example("")
@example("ir")
@example("ir-")
@example("ir-56x24-m72-o40-k5-s2-se24-hswish\n")
@example("ir-56x24-m72-o40-k5-s2-hswish-se24")
@example("ir-56x24-m72-m72-o40-k5-s2")
@example("ir-56x24-m72-o40-k5-s2-se0")
@example("ir-56x24-m72-o40-k5-s2-none")
@example("ir-५६x24-m72-o40-k5-s2")
@example("skip-7x96-o96")
@example("conv-99999999999999999999x3-o16-k3-s2")
def test_slips_are_refused(text: str) -> None:
    refuses_or_spells(text)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_block_or_refused(text: str) -> None:
    refuses_or_spells(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("xir-56x24-m72-o40-k5-s2", "starts with 'xir'"),
        ("ir", "SIZExCHANNELS"),
        ("ir-56-m72-o40-k5-s2", "SIZExCHANNELS"),
        ("ir-056x24-m72-o40-k5-s2", "SIZExCHANNELS"),
        ("ir-56x24-m72-o40-k5-s2-fast", "'fast' is not a field"),
        ("ir-56x24-m72-k5-s2", "no output width"),
        ("ir-56x24-m72-k5-o40-s2", "one spelling is 'ir-56x24-m72-o40-k5-s2'"),
        ("ir-56x24-m72-o40-k4-s2", "kernel 4 is even"),
    ],
)
def test_a_refusal_says_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(InputError, match=why) as refusal:
        BlockSpec.parse(text)
    assert text in str(refusal.value)


CONV = {"kind": "conv", "in_size": 8, "c_in": 4, "c_out": 6}
IR = {"kind": "ir", "in_size": 8, "c_in": 4, "c_mid": 12, "c_out": 4}
HEAD = {"kind": "head", "in_size": 8, "c_in": 4, "c_out": 10}
SKIP = {"kind": "skip", "in_size": 8, "c_in": 4, "c_out": 4}


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        (CONV | {"kind": "pool"}, "kind 'pool' is not one of conv, sep, ir, head, skip"),
        (CONV | {"act": "gelu"}, "activation 'gelu' is not one of none, relu, relu6, hswish"),
        (CONV | {"c_out": 6.0}, "c_out=6.0 is not a whole number"),
        (CONV | {"stride": True}, "stride=True is not a whole number"),
        (CONV | {"c_in": np.int64(4)}, "is not a whole number"),
        (CONV | {"in_size": 0}, "in_size=0 is outside 1..99999"),
        (CONV | {"in_size": 100_000}, "in_size=100000 is outside 1..99999"),
        (CONV | {"c_out": 0}, "c_out=0 is outside 1..999999"),
        (CONV | {"c_in": 1_000_000}, "c_in=1000000 is outside 1..999999"),
        (IR | {"c_se": -1}, "c_se=-1 is outside 0..999999"),
        (CONV | {"kernel": 4}, "kernel 4 is even"),
        (CONV | {"stride": 3}, "stride 3 is not 1 or 2"),
        (CONV | {"c_mid": 12}, "kind conv has no c_mid"),
        (HEAD | {"kernel": 3}, "kind head has no kernel"),
        (HEAD | {"stride": 2}, "kind head has no stride"),
        (CONV | {"c_se": 2}, "kind conv has no c_se"),
        (SKIP | {"act": "relu"}, "kind skip has no act"),
        (CONV | {"c_out": 4, "residual": True}, "kind conv has no res"),
        (IR | {"c_mid": 0}, "needs c_mid"),
        (HEAD | {"act": "relu"}, "exactly when it has a hidden layer"),
        (HEAD | {"c_mid": 12}, "exactly when it has a hidden layer"),
        (SKIP | {"c_out": 5}, "a skip keeps its width"),
        (IR | {"stride": 2, "residual": True}, "needs stride 1 and c_in = c_out"),
        (IR | {"c_out": 6, "residual": True}, "needs stride 1 and c_in = c_out"),
    ],
)
def test_every_rule_of_a_block(values: dict[str, Any], rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        BlockSpec(**values)


def test_blocks_are_values() -> None:
    block = BlockSpec(**IR)  # type: ignore[arg-type]  # plain values of a dict
    assert {block: 1}[BlockSpec(**IR)] == 1  # type: ignore[arg-type]
    assert sorted([replace(block, c_in=5), block])[0] == block
    with pytest.raises(FrozenInstanceError):
        block.c_in = 5  # type: ignore[misc]  # that it is refused is the point
    assert list(block.as_dict()) == [f.name for f in fields(BlockSpec)]


@settings(deadline=None)
@given(block_specs(EVERY_KIND))
def test_out_size_and_width_are_those_of_the_module(block: BlockSpec) -> None:
    with torch.no_grad():
        shape = tuple(BlockModule(block).eval()(torch.zeros(1, block.c_in, *axes(block.in_size))).shape)
    assert shape == ((1, block.c_out) if block.kind == "head" else (1, block.c_out, *axes(block.out_size)))


def test_doctests() -> None:
    for module in (errors, spec):
        result = doctest.testmod(module, extraglobs=vars(module))
        assert result.attempted and not result.failed


def test_without_torch_the_error_names_the_extra() -> None:
    code = "import sys; sys.modules['torch'] = None; import edgenas.blocks.weights; import edgenas.blocks.torch_modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "MissingExtraError" in done.stderr and "pip install 'edgenas[train]'" in done.stderr


def test_every_error_is_ours() -> None:
    raised = [value for value in vars(errors).values() if isinstance(value, type)]
    assert len(raised) >= 4 and all(issubclass(error, EdgenasError) for error in raised)
    assert issubclass(InputError, ValueError)
