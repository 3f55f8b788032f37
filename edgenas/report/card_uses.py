"""Sections of a model card on licence, intended use, limits and training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgenas.report.markdown import escaped

if TYPE_CHECKING:
    from edgenas.report.card import CardData


def uses(data: CardData) -> str:
    """Return the sections as Markdown."""
    run, names = data.run, data.preprocessing.labels
    first = next(iter(run.files.values()))
    shown = ", ".join(names[:8]) + (f", ... ({len(names)} in all)" if len(names) > 8 else "")
    licence = (
        f"Licence as stated: {data.licence}."
        if data.licence
        else "No licence is stated. Its author states one by `edgenas bundle RUN --license apache-2.0`."
    )
    began = "random weights" if run.pretrained is None else f"the published weights {run.pretrained.name}"
    trained = f"Trained from {began} on {run.data or 'images'}; the test images were not trained on."
    known = run.recipe or (run.pretrained.recipe if run.pretrained else "")
    recipe = f" Recipe: {escaped(known)}." if known else " Its recipe was not recorded."
    return f"""## Intended use

Classification of single images of the kind that it was trained on, on the device below, into: {shown}.

## Limits

- It answers with one of its classes for every image, also for images of something else.
- The accuracy holds for images like the {first.pictures:,} test images; images of another camera, light or place need a
  test of their own: `edgenas verify FILE --images FOLDER`.
- The latency holds for the device, runtime and number of threads in the table, when nothing else runs there.

## Licence

{licence}

## Training

{trained}{recipe}"""
