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
    key_weight : float, default=1.0
        Most that a key weighs against a row; the paper has 1.
    """

    def __init__(self, n_slots, age_noise, random_state, key_weight=1.0):
        self.n_slots, self.age_noise, self.random_state = n_slots, age_noise, random_state
        self.key_weight = key_weight
        self.keys, self.labels, self.ages, self.sizes = [], [], [], []

    def learn(self, row, label):
        """Learn a unit vector; return which slot it went into."""
        n_candidates = int(min(self.n_slots, 2 * self.age_noise + 1))
        noise = self.random_state.uniform(-self.age_noise, self.age_noise, n_candidates)
        slot = int(np.argmax(np.array(self.keys) @ row)) if self.keys else None
        is_recognized = slot is not None and self.labels[slot] == label
        if is_recognized and self.key_weight > 0:
            merged = min(self.sizes[slot], self.key_weight) * self.keys[slot] + row
            self.keys[slot] = merged / np.linalg.norm(merged)
            self.sizes[slot] += 1
        elif len(self.keys) < self.n_slots:
            slot = len(self.keys)
            self.keys.append(row)
            self.labels.append(label)
            self.ages.append(0)
            self.sizes.append(1)
        else:
            # The oldest slots get the noise that there is, in their order.
            oldest = np.argsort(-np.array(self.ages))[:n_candidates]
            slot = int(oldest[np.argmax(np.array(self.ages)[oldest] + noise)])
            self.keys[slot], self.labels[slot], self.sizes[slot] = row, label, 1
        self.ages = [age + 1 for age in self.ages]
        self.ages[slot] = 0
        return slot
