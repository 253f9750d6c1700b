"""Learn characters of alphabets that were never seen from one drawing each, or a few.

    SKLEARN_LSH_DATA=FOLDER python benchmarks/omniglot.py

An embedding is trained on the background alphabets of Omniglot, and judged on the evaluation
alphabets, on which nothing is chosen. Vectors are pixels, discriminant directions of the background
classes, what a network of ours makes of the pixels, and what a convolutional network does that was
trained with the memory of `sklearn_lsh.torch`. Each is asked by the memory, the nearest example,
the nearest mean of a class's examples, and scikit-learn's NearestCentroid. ``--methods`` (kinds of
vectors), ``--seed`` and ``--repeats`` measure a part; what the JSON file has of others is kept.
"""

from functools import partial
from operator import itemgetter

import numpy as np
from helpers.omniglot_data import SIDE, as_rows, draw_tasks, moved, rotated, small_pictures, warped
from helpers.report import kept, names_in, parse_options, path_of, seeds_of, write
from helpers.training import FIXED, unconverged
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_lsh import HiddenActivations, LSHMLPClassifier
from sklearn_lsh.datasets import fetch_omniglot
from sklearn_lsh.memory import LSHMemoryClassifier

# Chosen on five of the background alphabets, when the others were learnt from.
HIDDEN = (1024, 256)
RATE = 0.002
N_EPOCHS = 20
# Batches that the convolutional network learns from.
N_STEPS = 2400
# Background classes of a quick run.
N_QUICK = 100
# Classes and examples of each, of the usual tasks.
TASKS = [(5, 1), (5, 5), (20, 1), (20, 5), (5, 3), (20, 3)]
N_TASKS = 200
# Published for the first four of these, across alphabets, and where.
PUBLISHED = {
    "memory of Kaiser et al. 2017": [98.4, 99.6, 95.0, 98.6],
    "prototypical networks, Snell et al. 2017": [98.8, 99.7, 96.0, 98.9],
}
# Showings of a class in the online protocol, and classes of an episode.
N_SHOWINGS = 6
N_ONLINE = 20
N_EPISODES = 100


def pixels(background, seed):
    return make_pipeline(FunctionTransformer(as_rows)).fit(background)


def discriminant(n_components):
    """Directions in which background classes differ most, for how they vary within."""

    def fit(background, seed):
        found = LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1, n_components=n_components)
        labels = np.arange(len(background)).repeat(background.shape[1])
        return make_pipeline(FunctionTransformer(as_rows), found).fit(background, labels)

    return fit


def network(background, seed):
    """Our own network, trained to tell all background characters in all four turns apart."""
    pictures = rotated(background)
    labels = np.arange(len(pictures)).repeat(pictures.shape[1])
    rng = np.random.default_rng(seed)
    settings = {**FIXED, "batch_size": 256, "random_state": seed}
    found = LSHMLPClassifier(HIDDEN, **settings)
    for epoch in range(N_EPOCHS):
        found.set_params(learning_rate_init=RATE * (1 - epoch / N_EPOCHS))
        rows, order = as_rows(warped(pictures, rng)), rng.permutation(len(labels))
        with unconverged():
            found.partial_fit(rows[order], labels[order])
        print(f"epoch {epoch + 1}: loss {found.loss_curve_[-1]:.3f}", flush=True)
    hidden = HiddenActivations(found)

    def embed(pictures):
        """Roots, in which strong activations count less, of what it makes of moved copies."""
        return np.sqrt(sum(hidden.transform(as_rows(copy)) for copy in moved(pictures)))

    return FunctionTransformer(embed)


def convolutional(background, seed):
    """A convolutional network, trained with the same classes and a memory as its last part."""
    from helpers.omniglot_convolution import ConvolutionalEmbedding  # needs PyTorch

    pictures = rotated(background)
    labels = np.arange(len(pictures)).repeat(pictures.shape[1])
    n_steps = 20 if len(background) == N_QUICK else N_STEPS
    found = ConvolutionalEmbedding(seed, n_steps)
    return found.fit(pictures.reshape(len(labels), SIDE, SIDE), labels)


VECTORS = {
    "pixels": pixels,
    "64 discriminant directions": discriminant(64),
    "128 discriminant directions": discriminant(128),
    "network": network,
    "convolutional network": convolutional,
}


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def ask_memory(shots, labels, queries, seed, **settings):
    return LSHMemoryClassifier(random_state=seed, **settings).fit(shots, labels).predict(queries)


def ask_nearest(shots, labels, queries, seed):
    return labels[(unit(queries) @ unit(shots).T).argmax(axis=1)]


def ask_means(shots, labels, queries, seed):
    means = unit(
        np.stack([unit(shots)[labels == label].mean(axis=0) for label in np.unique(labels)])
    )
    return np.unique(labels)[(unit(queries) @ means.T).argmax(axis=1)]


def ask_centroids(shots, labels, queries, seed):
    with np.errstate(invalid="ignore"):  # the deviation of single examples, which it does not use
        return NearestCentroid().fit(unit(shots), labels).predict(unit(queries))


ANSWERS = {
    "memory": ask_memory,
    "memory of means": partial(ask_memory, key_weight=np.inf),
    "memory of all examples": partial(ask_memory, key_weight=0),
    "nearest example": ask_nearest,
    "nearest mean": ask_means,
    "NearestCentroid": ask_centroids,
}


def measure_tasks(vectors, n_tasks, seed):
    """Share of the queries that is told right, in percent, by place, task and answer."""
    shares = {}
    for within in (False, True):
        place = shares["within" if within else "across"] = {}
        for n_ways, n_shots in TASKS:
            right = dict.fromkeys(ANSWERS, 0.0)
            rng = np.random.default_rng(seed)
            for shots, queries in draw_tasks(n_tasks, n_ways, n_shots, within=within, rng=rng):
                # A class after the other, and then all of them again.
                given = vectors[shots].transpose(1, 0, 2).reshape(n_ways * n_shots, -1)
                labels, asked = np.tile(np.arange(n_ways), n_shots), vectors[queries]
                truth = np.arange(n_ways).repeat(asked.shape[1])
                for name, ask in ANSWERS.items():
                    told = ask(given, labels, asked.reshape(len(truth), -1), seed)
                    right[name] += 100 * np.mean(told == truth) / n_tasks
            place[f"{n_ways}-way {n_shots}-shot"] = right
    return shares


def measure_online(vectors, n_episodes, seed):
    """Accuracy by the k-th showing: the memory is empty at first, and learns what it was asked."""
    rng, right = np.random.default_rng(seed), np.zeros(N_SHOWINGS)
    for _ in range(n_episodes):
        classes = rng.choice(len(vectors), N_ONLINE, replace=False)
        drawings = rng.permuted(np.tile(np.arange(20), (N_ONLINE, 1)), axis=1)[:, :N_SHOWINGS]
        # Every class is shown before any is shown again.
        order = np.stack([rng.permutation(N_ONLINE) for _ in range(N_SHOWINGS)])
        rows = vectors[classes[order], drawings[order, np.arange(N_SHOWINGS)[:, None]]]
        told = LSHMemoryClassifier(random_state=seed).predict_then_learn(
            rows.reshape(order.size, -1), order.reshape(-1)
        )
        is_right = (told == order.reshape(-1)).filled(False).reshape(order.shape)
        right += 100 * is_right.mean(axis=1) / n_episodes
    return right.tolist()


def measure_all_classes(vectors, n_draws, seed):
    """One drawing of each of all evaluation classes, and all others asked for."""
    rng, n_classes = np.random.default_rng(seed), len(vectors)
    right = dict.fromkeys(ANSWERS, 0.0)
    for _ in range(n_draws):
        drawings = rng.permuted(np.tile(np.arange(20), (n_classes, 1)), axis=1)
        classes = np.arange(n_classes)
        asked = vectors[classes[:, None], drawings[:, 1:]].reshape(19 * n_classes, -1)
        for name, ask in ANSWERS.items():
            told = ask(vectors[classes, drawings[:, 0]], classes, asked, seed)
            right[name] += 100 * np.mean(told == classes.repeat(19)) / n_draws
    return right


def measure(name, background, evaluation, options, seed):
    """All that is asked of one kind of vectors."""
    embedding = VECTORS[name](background, seed)
    vectors = np.asarray(embedding.transform(evaluation), np.float32)
    vectors = vectors.reshape(*evaluation.shape[:2], -1)
    n_tasks = 10 if options.quick else N_TASKS
    run = {
        "seed": seed,
        "n_tasks": n_tasks,
        "tasks": measure_tasks(vectors, n_tasks, seed),
        "online": measure_online(vectors, n_tasks // 5, seed),
        "all classes": measure_all_classes(vectors, 1 if options.quick else 3, seed),
    }
    for place, tasks in run["tasks"].items():
        told = {task: f"{shares['memory']:.1f}" for task, shares in tasks.items()}
        print(f"seed {seed}, {name}, {place}: {told}", flush=True)
    print(f"  all: {run['all classes']}, online: {np.round(run['online'], 1)}", flush=True)
    return run


def mean_of(runs):
    """Means of numbers in equal trees of dictionaries and lists."""
    if isinstance(runs[0], dict):
        return {name: mean_of([run[name] for run in runs]) for name in runs[0]}
    return np.mean(runs, axis=0).tolist()


def joined(results, name, run):
    """Results with one more run, in place of an earlier one of its seed."""
    earlier = results["vectors"].get(name, {"runs": []})["runs"]
    others = [each for each in earlier if each["seed"] != run["seed"]]
    runs = sorted([*others, run], key=itemgetter("seed"))
    figures = [{key: each[key] for key in each if key != "seed"} for each in runs]
    found = results["vectors"] | {name: {"mean": mean_of(figures), "runs": runs}}
    return results | {"vectors": {each: found[each] for each in VECTORS if each in found}}


def main():
    options = parse_options(__doc__, methods="")
    background, evaluation = (small_pictures(images) for images in fetch_omniglot())
    if options.quick:
        background = background[:N_QUICK]
    path, seeds = path_of(__file__, options), seeds_of(options)
    del options.seed, options.repeats  # of this part; each run has its seed
    for name in names_in(options.methods, VECTORS):
        for seed in seeds:
            run = measure(name, background, evaluation, options, seed)
            # Read now: other parts may have been measured meanwhile.
            results = {"published": PUBLISHED, "vectors": {}} | kept(path)
            write(__file__, options, joined(results, name, run), ["torch"])


if __name__ == "__main__":
    main()
