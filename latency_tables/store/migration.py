"""Conversion of records of older versions of the table's file to the current version.

History:
    1 (edgenas 0.1.0)  blocks measured alone
    2 (edgenas 0.2.0)  ``block`` became ``blocks``: chains and whole networks are measured as well; ``purpose`` and
                       ``batch`` of a measurement; records 'void' and 'validation'; a setting's ``cold_kib``, which
                       was 0
    3 (edgenas 0.3.1)  records 'prior': the times of another table, from which blocks are predicted
    4 (edgenas 0.4.0)  a setting's ``accelerator``, ``arithmetic``, ``nodes_taken`` and ``nodes_total``, which were
                       '', '', 0 and 0: delegates of the user's choice; a measurement's ``init_ns``, which was 0
"""

from __future__ import annotations

from typing import Any

from edgenas.latency_tables.setting import NO_DELEGATE

FORMAT_VERSION = 4


def upgrade(record: dict[str, Any], version: int) -> dict[str, Any]:
    """Return a record behind the header, written in ``version``, in the form of FORMAT_VERSION; without its seal."""
    if version == 1:
        record = {("blocks" if name == "block" else name): value for name, value in record.items()}
        record["blocks"] = [record.get("blocks")]
        if record.get("kind") == "measurement":
            record = {**record, "purpose": "table", "batch": ""}
    if version < 4 and record.get("kind") == "measurement":
        record = {**record, "init_ns": 0}
    return record


def upgrade_setting(setting: Any, version: int) -> Any:
    """Return the setting of a header, written in ``version``, in the form of FORMAT_VERSION."""
    if not isinstance(setting, dict):
        return setting
    if version == 1:
        setting = {**setting, "cold_kib": 0}
    return {**setting, **NO_DELEGATE} if version < 4 else setting
