# SPDX-License-Identifier: Apache-2.0
"""Random choices that are the same under every version of Python."""

import random


class Dice:
    """Draws from one seed. Only Random.random() is used, whose values Python promises to keep."""

    def __init__(self, seed):
        self._source = random.Random(seed)

    def below(self, bound):
        return int(self._source.random() * bound)

    def between(self, least, most):
        return least + self.below(most - least + 1)

    def one_of(self, choices):
        return choices[self.below(len(choices))]

    def weighted(self, weights):
        """One key of a dictionary, as often as its value says."""
        rest = self._source.random() * sum(weights.values())
        for key, weight in weights.items():
            rest -= weight
            if rest < 0:
                return key
        return key

    def chance(self, probability):
        return self._source.random() < probability
