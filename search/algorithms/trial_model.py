"""The model that hybrid predicts accuracies by: a regression fitted to all trials so far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgenas.search.algorithms.features import GROUPS, NetworkFeatures
from edgenas.search.algorithms.regression import PERCENT, Regression, fit_groups
from edgenas.search.graph import Floats, Graph
from edgenas.search.problem import Trial, is_score
from edgenas.search.space import Choice, Space
from edgenas.search.trials import Trials

GROWTH = 1.1  #: variances are optimised again when the number of fitted networks has grown by this factor


class TrialModel:
    """A regression on the features of networks, fitted again when there are new trials.

    Two choices may be one network (a skip in one layer or in the next). Each requested choice is a row of its own, so
    that the fit has data on the options of both layers.
    """

    def __init__(self, space: Space, graph: Graph, trials: Trials) -> None:
        self.graph = graph
        self._features = NetworkFeatures(space, graph)
        self._trials = trials
        self._read = 0  # trials whose choice is a row
        self._rows: dict[Choice, Floats] = {}
        self._index: dict[Choice, int] = {}  # position among the rows
        self._rewards: dict[Choice, float] = {}
        self._fit: Regression | None = None
        self._optimised: Regression | None = None  # the last fit whose variances were optimised

    def __contains__(self, choice: Choice) -> bool:
        """Return whether this choice, and not only another choice of the same network, is a row of the fit."""
        return choice in self._rows

    def rewards(self, choices: Sequence[Choice], spare: int = 0) -> list[float]:
        """Return the accuracies by ``Trials.rewards``, and add them to the data of the fit."""
        rewards = self._trials.rewards(choices, spare)
        for choice, reward in zip(choices, rewards, strict=True):
            self._learn(choice, reward)
        return rewards

    def reward(self, choice: Choice) -> float | None:
        """Accuracy of the network in this run, judged by this choice or another one of the same network; None when it
        was not judged."""
        if choice not in self._rewards and not self._trials.unjudged([choice], 1):
            self.rewards([choice])
        return self._rewards.get(choice)

    def regression(self) -> Regression:
        """Return the regression fitted to all trials so far; there must be at least one."""
        for trial in self._trials.log[self._read :]:
            self._learn(trial.choice, trial.accuracy)
        self._read = len(self._trials)
        if self._fit is None:
            most = None if is_score(self._trials.problem.accuracy) else PERCENT
            rows, rewards = np.stack(list(self._rows.values())), list(self._rewards.values())
            earlier = self._optimised
            if earlier is not None and len(rows) >= GROWTH * len(earlier.fitted):
                earlier = None
            self._fit = fit_groups(rows, self._features.layout, rewards, most, earlier)
            if earlier is None:
                self._optimised = self._fit
        return self._fit

    def variances(self) -> dict[str, float]:
        """Prior variance of each group of features, of interactions and noise, for fitted values of variance 1."""
        parts = [*(GROUPS[group] for group in self._features.layout.names), "interactions", "noise"]
        return {name: float(np.exp(value)) for name, value in zip(parts, self.regression().variances, strict=True)}

    def predicted(self, choice: Choice) -> float:
        """Accuracy in percent (or score) that the regression predicts for any network."""
        fit = self.regression()
        return fit.accuracy(float(fit.predict(self._features.row(choice)[None])[0]))

    def left_out(self, choice: Choice) -> float:
        """Accuracy in percent (or score) of a judged network, predicted by a fit to all other trials."""
        fit = self.regression()
        return fit.accuracy(float(fit.left_out[self._index[choice]]))

    def expected(self, choice: Choice) -> float:
        """Expected accuracy in percent (or score) of a judged network when it is trained again.

        It is the mean of the judged accuracy and of its fit without noise, on the fitted scale: which part of their
        difference is noise, and which part belongs to this network alone, one training per network cannot show.
        """
        fit = self.regression()
        return fit.accuracy((fit.scale(self._rewards[choice]) + float(fit.fitted[self._index[choice]])) / 2)

    def finalists(self, budget: float) -> list[Trial]:
        """Return the trials within the budget by descending expected accuracy, of equals the cheaper first."""
        return sorted(self._trials.fitting(budget), key=lambda trial: (-self.expected(trial.choice), trial.cost))

    def edge_values(self, budget: float) -> list[Floats]:
        """Return each edge's contribution to a prediction, on the fitted scale; zeros before the first trial.

        Interactions of options and logarithms of totals are not additive. They are replaced by the effects of single
        options on the judged network whose fit is best within the budget.
        """
        if not self._trials.log:
            return [layer.value for layer in self.graph.layers]
        fit = self.regression()
        inside = [trial.choice for trial in self._trials.fitting(budget)] or list(self._rows)
        near = max(inside, key=lambda choice: fit.fitted[self._index[choice]])
        return self._features.edge_values(fit.weights_near(self._rows[near]), near)

    def best_value(self, budget: float) -> float:
        """Greatest prediction of a judged network within the budget, as a sum of edge values; minus infinity when there
        is none."""
        values = self.edge_values(budget)
        paths = [self.graph.path(trial.choice) for trial in self._trials.fitting(budget)]
        sums = [sum(float(rows[edge]) for rows, edge in zip(values, path, strict=True)) for path in paths]
        return max(sums, default=-np.inf)

    def _learn(self, choice: Choice, reward: float) -> None:
        if choice not in self._rows:
            self._index[choice] = len(self._rows)
            self._rows[choice], self._rewards[choice] = self._features.row(choice), reward
            self._fit = None
