"""Compute the facts of all spaces and write ``search/spaces/facts.json``; half a minute.

    python -m tools.space_facts

Run it after a space was added or changed; a test compares the file with the spaces.
"""

from __future__ import annotations

import argparse
import json

from edgenas.base.files import write_whole
from edgenas.search.spaces import SPACES, space
from edgenas.search.spaces.facts import FILE, SpaceFacts, facts_of, sizes_beside


def facts(name: str) -> SpaceFacts:
    """Compute the facts of the space ``name`` at all sizes of the file."""
    own = space(name)
    return facts_of(own, [space(name, size) for size in sizes_beside(own.in_size)])


def main() -> None:
    """Write the file."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    entries = {name: facts(name).to_json() for name in SPACES}
    lines = [f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries.items()]
    write_whole(FILE, "{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
