"""Measure every block of a mobile network on the real device, find the best network inside a latency budget, ship it.

Each verb of the command line is a function with the same result: ``to_json()`` of the returned object is what the
command prints with ``--json``. Names are imported at their first use.

    import edgenas

    table = edgenas.open_table("pi4-litert.jsonl")
    space = edgenas.space("mobilenet_v3_small", in_size=160)
    found = edgenas.search(space, table=table, accuracy=judge, budget_ms=8, max_trials=200)
    found.best.export("model")
    edgenas.verify("model/model.tflite", device="pi4", budget_ms=8).check()

Errors: all are ``EdgenasError``. ``InputError`` is misuse; ``OutcomeError`` is a job that did not succeed.
"""

from typing import TYPE_CHECKING

from edgenas.api.lazy import install

if TYPE_CHECKING:
    from edgenas.api.adapt import adapt
    from edgenas.api.adapt_replay import adapt_replay
    from edgenas.api.adapt_try import adapt_try
    from edgenas.api.blocks import blocks
    from edgenas.api.bundle import bundle
    from edgenas.api.devices import check_devices, device_facts, devices
    from edgenas.api.export import export
    from edgenas.api.fit_table import fit_table, profile_whole
    from edgenas.api.front import front
    from edgenas.api.import_table import import_table
    from edgenas.api.listener import PrintListener
    from edgenas.api.network import Network, network
    from edgenas.api.profile import profile
    from edgenas.api.profile_for_search import profile_for_search
    from edgenas.api.report import report
    from edgenas.api.search import search
    from edgenas.api.search_result import SearchResult
    from edgenas.api.ship import demo, ship
    from edgenas.api.spaces import space, spaces
    from edgenas.api.spaces_fit import spaces_inside
    from edgenas.api.sustain import sustain
    from edgenas.api.table import Table, open_table
    from edgenas.api.table_template import table_template
    from edgenas.api.tables import check, diff
    from edgenas.api.train import train
    from edgenas.api.transfer import transfer
    from edgenas.api.validate import validate
    from edgenas.api.verify import verify
    from edgenas.api.verify_bundle import verify_bundle
    from edgenas.api.verify_images import verify_images
    from edgenas.api.watch import watch
    from edgenas.base.errors import EdgenasError, InputError, OutcomeError
    from edgenas.base.listener import Listener
    from edgenas.blocks.architecture import Architecture
    from edgenas.blocks.spec import BlockSpec
    from edgenas.search.space import Layer, Option, Space

    __version__: str

__all__ = [
    "Architecture",
    "BlockSpec",
    "EdgenasError",
    "InputError",
    "Layer",
    "Listener",
    "Network",
    "Option",
    "OutcomeError",
    "PrintListener",
    "SearchResult",
    "Space",
    "Table",
    "__version__",
    "adapt",
    "adapt_replay",
    "adapt_try",
    "blocks",
    "bundle",
    "check",
    "check_devices",
    "demo",
    "device_facts",
    "devices",
    "diff",
    "export",
    "fit_table",
    "front",
    "import_table",
    "network",
    "open_table",
    "profile",
    "profile_for_search",
    "profile_whole",
    "report",
    "search",
    "ship",
    "space",
    "spaces",
    "spaces_inside",
    "sustain",
    "table_template",
    "train",
    "transfer",
    "validate",
    "verify",
    "verify_bundle",
    "verify_images",
    "watch",
]

install(__name__)
