"""The rule of Kaiser et al. (2017) in plain Python, one row after the other, in float64."""

import numpy as np


class Reference:
    """A memory that compares all keys.

    Parameters
    ----------
    n_slots : int
    age_noise : float
    random_state : RandomState
        Draws the noise as `sklearn_lsh.memory.store.Store` does.
    """

    def __init__(self, n_slots, age_noise, random_state):
        self.n_slots, self.age_noise, self.random_state = n_slots, age_noise, random_state
        self.keys, self.labels, self.ages = [], [], []

    def learn(self, row, label):
        """Learn a unit vector; return which slot it went into."""
        n_candidates = int(min(self.n_slots, 2 * self.age_noise + 1))
        noise = self.random_state.uniform(-self.age_noise, self.age_noise, n_candidates)
        slot = int(np.argmax(np.array(self.keys) @ row)) if self.keys else None
        if slot is not None and self.labels[slot] == label:
            merged = self.keys[slot] + row
            self.keys[slot] = merged / np.linalg.norm(merged)
        elif len(self.keys) < self.n_slots:
            slot = len(self.keys)
            self.keys.append(row)
            self.labels.append(label)
            self.ages.append(0)
        else:
            # The oldest slots get the noise that there is, in their order.
            oldest = np.argsort(-np.array(self.ages))[:n_candidates]
            slot = int(oldest[np.argmax(np.array(self.ages)[oldest] + noise)])
            self.keys[slot], self.labels[slot] = row, label
        self.ages = [age + 1 for age in self.ages]
        self.ages[slot] = 0
        return slot
