"""The hash and the text of a block are computed once, and stay in the process."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

from edgenas.blocks.spec import BlockSpec

TEXT = "ir-56x24-m72-o40-k5-s2-se24-hswish"


def test_equal_blocks_have_equal_hashes_and_texts_before_and_after_they_are_kept() -> None:
    fresh, used = BlockSpec("ir", 56, 24, 72, 40, 5, 2, 24, "hswish"), BlockSpec.parse(TEXT)
    assert str(used) == TEXT and hash(used) == hash(fresh) and used == fresh and {used: 1}[fresh] == 1
    changed = replace(used, kernel=3)
    assert str(changed) == TEXT.replace("k5", "k3") and hash(changed) != hash(used) and changed < used


def test_a_copied_block_computes_its_own_hash() -> None:
    block = BlockSpec.parse(TEXT)
    hash(block), str(block)
    for made in (pickle.loads(pickle.dumps(block)), copy.copy(block)):  # texts hash differently in another process
        assert not hasattr(made, "_hash") and made == block and hash(made) == hash(block)
    assert "_hash" not in block.as_dict()
