"""Models for comparison with those of ``latency_tables``: what a user could fit without edgenas."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgenas.latency_tables.prediction.models import MODELS, Fitted, Model, additive
from edgenas.latency_tables.prediction.terms import Design, Floats
from tools.bench.command import not_installed


def proportional(to: Callable[[str], bool]) -> Model:
    """Return a model of time in proportion to the sum of the amounts that ``to`` names: the median ratio."""

    def model(rows: Design, log_ms: Floats) -> Fitted:
        columns = [index for index, name in enumerate(rows.amounts) if to(name)]

        def log_sum(asked: Design) -> Floats:
            return np.asarray(np.log(asked.work[:, columns].sum(axis=1)), dtype=np.float64)

        ratio = float(np.median(log_ms - log_sum(rows)))
        return lambda asked: (ratio + log_sum(asked), np.ones(len(asked)))

    return model


def by_operator(rows: Design, log_ms: Floats) -> Fitted:
    """Fit a sum over operators as nn-Meter does (Zhang et al., MobiSys 2021), each linear in its MACs, values, weights
    and calls: ``additive`` without tiles.
    """
    plain = [index for index, name in enumerate(rows.amounts) if not name.endswith(("MACs/16", "MACs/32"))]

    def cut(asked: Design) -> Design:
        return Design(tuple(asked.amounts[i] for i in plain), asked.work[:, plain], asked.shape)

    fit = additive(cut(rows), log_ms)
    return lambda asked: fit(cut(asked))


def log_linear(rows: Design, log_ms: Floats) -> Fitted:
    """Fit a ridge regression of log time on logarithms of MACs by part, of values and of sizes, and on the options."""

    def features(asked: Design) -> Floats:
        logs = [np.log(1e-6 + asked.work[:, i]) for i, n in enumerate(asked.amounts) if n.endswith(("/1", "values"))]
        return np.column_stack([*logs, asked.shape])

    found = features(rows)
    mean, scale = found.mean(axis=0), found.std(axis=0) + 1e-9
    scaled = (found - mean) / scale
    level = float(log_ms.mean())
    weights = np.linalg.solve(
        scaled.T @ scaled + 1e-3 * len(rows) * np.eye(scaled.shape[1]), scaled.T @ (log_ms - level)
    )
    return lambda asked: ((features(asked) - mean) / scale @ weights + level, np.ones(len(asked)))


def boosted(rows: Design, log_ms: Floats) -> Fitted:
    """Fit ``additive``, times a factor that gradient-boosted trees learn from sizes and from the prediction of
    ``additive``.
    """
    from sklearn.ensemble import GradientBoostingRegressor

    base = additive(rows, log_ms)

    def features(asked: Design) -> Floats:
        return np.column_stack([asked.shape, base(asked)[0], np.log(1e-6 + asked.work)])

    trees = GradientBoostingRegressor(
        n_estimators=120, learning_rate=0.12, max_depth=4, subsample=0.7, min_samples_leaf=3, random_state=0
    ).fit(features(rows), log_ms - base(rows)[0])
    return lambda asked: (base(asked)[0] + trees.predict(features(asked)), np.ones(len(asked)))


#: models that need a package -> (module, extra)
PEERS = {"additive + boosting": ("sklearn", "train")}


def compared() -> dict[str, dict[str, Model]]:
    """Return name -> the candidate models, of which leaving out layers chooses one: each model alone, and all models
    that ship, as ``predicted`` uses them. Models whose package (PEERS) is not installed are left out.
    """
    alone: dict[str, Model] = {
        "MACs": proportional(lambda name: name.endswith("MACs/1")),
        "weights": proportional(lambda name: name.endswith("weights")),
        "by operator": by_operator,
        "log-linear": log_linear,
        **MODELS,
        "additive + boosting": boosted,
    }
    for name in not_installed(PEERS):
        del alone[name]
    return {**{name: {name: model} for name, model in alone.items()}, "chosen": dict(MODELS)}
