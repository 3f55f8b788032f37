"""Heads, composed of parts that some tables time one by one: pooling, hidden layer, classifier."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgenas.blocks.size import ImageSize
from edgenas.blocks.spec import Act, BlockSpec
from edgenas.latency_tables.imported import PublishedValue
from edgenas.latency_tables.importers.reading import PublishedEntry


@dataclass
class HeadParts:
    """Parts of heads by shape, each with (place in the file, ms); ``act`` is the activation of the hidden layer."""

    act: Act = "none"
    pools: dict[tuple[ImageSize, int], tuple[str, float]] = field(default_factory=dict)  # (size, width)
    hidden: dict[tuple[int, int], tuple[str, float]] = field(default_factory=dict)  # (width, hidden width)
    classifiers: dict[tuple[int, int], tuple[str, float]] = field(default_factory=dict)  # (width, classes)

    def heads(self) -> tuple[PublishedEntry, ...]:
        """Return every head that the parts make, its time the sum of theirs; it has a hidden layer where the classifier
        follows one."""
        found = []
        for (size, c_in), (place, pool_ms) in self.pools.items():
            for (width, classes), (_, classifier_ms) in self.classifiers.items():
                if width == c_in:
                    block = BlockSpec("head", size, c_in, c_out=classes)
                    found.append(PublishedEntry(place, block, PublishedValue(pool_ms + classifier_ms)))
                for (before, c_mid), (_, hidden_ms) in self.hidden.items():
                    if (before, c_mid) == (c_in, width):
                        block = BlockSpec("head", size, c_in, c_mid, classes, act=self.act)
                        found.append(PublishedEntry(place, block, PublishedValue(pool_ms + hidden_ms + classifier_ms)))
        return tuple(found)

    def unused(self) -> int:
        """Return the number of parts that no head uses."""
        heads = [entry.block for entry in self.heads()]
        used = {("pool", b.in_size, b.c_in) for b in heads}
        used |= {("hidden", b.c_in, b.c_mid) for b in heads if b.c_mid}
        used |= {("classifier", b.c_mid or b.c_in, b.c_out) for b in heads}
        return len(self.pools) + len(self.hidden) + len(self.classifiers) - len(used)
