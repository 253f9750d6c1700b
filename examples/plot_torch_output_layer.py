"""
The output layer of a language model, in PyTorch
================================================

A small language model guesses the next word of a text from the three before it. Its output layer
has a class for every word, and most of its work is there. Here `LSHSoftmaxLoss` takes the place of
the linear layer and its cross-entropy, and computes a few hundred words for each batch besides
its own. The text is that of the diagnoses in ICD-10-CM, from the package ``simple-icd-10-cm``.
"""

# %%
# Words
# -----
# Every description ends with a full stop. Of some the words are learnt, of others guessed.

import re
import time
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import torch

from sklearn_lsh.datasets import load_icd10cm
from sklearn_lsh.torch import LSHSoftmaxLoss

N_BEFORE = 3
texts = [re.findall(r"\w+", text.lower()) for text in load_icd10cm()[0]]
words = [word for word, _ in Counter(word for text in texts for word in text).most_common()]
number_of = {word: number for number, word in enumerate([".", *words])}
order = np.random.default_rng(0).permutation(len(texts))


def places(texts):
    """Words before each place, and the word there."""
    before, there = [], []
    for text in texts:
        numbers = [0] * N_BEFORE + [number_of[word] for word in text] + [0]
        for i in range(N_BEFORE, len(numbers)):
            before.append(numbers[i - N_BEFORE : i])
            there.append(numbers[i])
    return torch.tensor(before), torch.tensor(there)


X, y = places([texts[i] for i in order[:5000]])
X_test, y_test = places([texts[i] for i in order[-300:]])
print(f"{len(number_of):,} words, {len(y):,} places to learn from")

# %%
# Two models that differ in one number
# ------------------------------------
# With ``n_active`` of all words the layer is a full softmax. Its gradients are sparse, and so are
# those of the embeddings: `SparseAdam` changes only rows that have one. Time is that of training
# alone; the held-out loss is the exact one, which the layer computes in evaluation mode.


def train(n_active, n_batches=75, batch_size=200):
    """Train for some batches; seconds and held-out losses on the way."""
    torch.manual_seed(0)
    embed = torch.nn.Embedding(len(number_of), 48, sparse=True)
    body = torch.nn.Sequential(torch.nn.Linear(48 * N_BEFORE, 64), torch.nn.Tanh())
    head = LSHSoftmaxLoss(64, len(number_of), n_active=n_active)
    optimizers = [
        torch.optim.SparseAdam([*embed.parameters(), *head.parameters()], lr=0.02),
        torch.optim.Adam(body.parameters(), lr=0.005),
    ]

    def hidden(before):
        return body(embed(before).flatten(1))

    seconds, losses = [0.0], []
    for step, batch in enumerate(torch.randperm(len(y)).split(batch_size)[: n_batches + 1]):
        if step % 25 == 0:
            head.eval()
            with torch.no_grad():
                losses.append(head(hidden(X_test), y_test).item())
            head.train()
            seconds.append(seconds[-1])
        start = time.perf_counter()
        for optimizer in optimizers:
            optimizer.zero_grad()
        head(hidden(X[batch]), y[batch]).backward()
        for optimizer in optimizers:
            optimizer.step()
        seconds[-1] += time.perf_counter() - start
    head.refresh()
    with torch.no_grad():
        queries = hidden(X_test)
    for exact in (False, True):
        best = head.top_k(queries, 1, exact=exact).classes[:, 0]
        how = "all words" if exact else f"{head.n_active} words"
        print(f"  {(best == y_test).float().mean():.1%} guessed, looking at {how}")
    return seconds[:-1], losses


figure, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
for n_active, name in ((256, "hashed, 256 words"), (len(number_of), "full softmax")):
    print(name)
    seconds, losses = train(n_active)
    print(f"  {seconds[-1]:.1f} seconds of training, held-out loss {losses[-1]:.2f}")
    ax.plot(seconds, losses, marker="o", label=name)
ax.set(xlabel="seconds of training", ylabel="exact loss on held-out text")
ax.legend()
plt.show()

# %%
# Both make the same number of steps. The hashed layer learns a little less from each, because its
# loss is an estimate; more words make it a better one. With so few words in all it does not pay: a
# full softmax is a single matrix product of moderate size, and as fast or faster.
#
# More classes
# ------------
# What a step costs grows with the classes in a full softmax, and hardly in the hashed one:

n_classes = [10_000, 80_000]
hidden = torch.randn(250, 64)
figure, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
for name, n_active in (("hashed, 128 classes", 128), ("full softmax", None)):
    seconds = []
    for n in n_classes:
        head = LSHSoftmaxLoss(64, n, n_active=n_active or n)
        optimizer = torch.optim.SparseAdam(head.parameters())
        times = []
        for _ in range(4):
            labels = torch.randint(n, (250,))
            start = time.perf_counter()
            optimizer.zero_grad()
            head(hidden, labels).backward()
            optimizer.step()
            times.append(time.perf_counter() - start)
        seconds.append(np.median(times))
        print(f"{name}: {n:,} classes, {1000 * seconds[-1]:.0f} ms a step")
    ax.plot(n_classes, seconds, marker="o", label=name)
ax.set(xlabel="classes", ylabel="seconds a step", xscale="log", yscale="log")
ax.legend()
plt.show()
