"""What a block has begun is undone where it fails, and only then."""

from __future__ import annotations

import pytest

from edgenas.base.errors import DeviceError, LostError
from edgenas.base.undo import UndoOnFailure


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, DeviceError])
def test_a_failed_block_is_undone_and_its_exception_goes_on(error: type[BaseException]) -> None:
    undone: list[str] = []
    with pytest.raises(error, match="why"), UndoOnFailure(lambda: undone.append("undone"), unless=LostError):
        raise error("why")
    assert undone == ["undone"]


def test_a_block_that_ends_well_or_with_the_exception_left_out_is_kept() -> None:
    undone: list[str] = []
    with UndoOnFailure(lambda: undone.append("undone")):
        pass
    with pytest.raises(LostError), UndoOnFailure(lambda: undone.append("undone"), unless=LostError):
        raise LostError("unplugged")
    assert undone == []
