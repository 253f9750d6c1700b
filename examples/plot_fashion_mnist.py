"""
Wide hidden layers of which one neuron in twenty computes
=========================================================

A network of two layers with 1,000 neurons each learns to tell pictures of clothes apart. In one,
all neurons compute for every picture, in the others only some: those that hash tables find for
it. The pictures are from Fashion-MNIST; where there is neither a copy of it nor a network to
fetch it from, the small digits that come with scikit-learn take its place.
"""

# %%
# The data
# --------

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.datasets import fetch_mnist

try:
    X_train, X_test, y_train, y_test = fetch_mnist("fashion-mnist")
    X_train, y_train = X_train[:15_000], y_train[:15_000]  # enough to see the point in seconds
    X_test, y_test = X_test[:2_000], y_test[:2_000]
except OSError:
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
print(X_train.shape, X_test.shape)

# %%
# Three densities
# ---------------
# The test pictures are measured on after every epoch, but do not stop the training. (With
# ``early_stopping=True`` they would, and should then not be those that the result is told for.)

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is given on purpose
networks = {
    f"{density:.0%} of the neurons": LSHMLPClassifier(
        (1000, 1000),
        density=density,
        learning_rate_init=0.002,
        max_iter=4,
        random_state=0,
        n_jobs=2,
        verbose=True,
    )
    for density in (0.05, 0.1, 1.0)
}
for name, network in networks.items():
    print(name)
    network.fit(X_train, y_train, X_val=X_test, y_val=y_test)

# %%
# What few neurons can do
# -----------------------

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for name, network in networks.items():
    epochs = range(1, network.n_iter_ + 1)
    left.plot(epochs, network.loss_curve_, marker=".", label=name)
    right.plot(epochs, network.validation_scores_, marker=".", label=name)
left.set(xlabel="epoch", xticks=epochs, ylabel="training loss")
right.set(xlabel="epoch", xticks=epochs, ylabel="test accuracy")
left.legend()

# %%
# Pictures and what the network with the fewest neurons takes them for
# --------------------------------------------------------------------

network = next(iter(networks.values()))
predicted = network.predict(X_test[:10])
side = int(X_test.shape[1] ** 0.5)
figure, axes = plt.subplots(1, 10, figsize=(9, 1.4), layout="constrained")
for ax, picture, label, true in zip(axes, X_test, predicted, y_test, strict=False):
    ax.imshow(picture.reshape(side, side), cmap="gray_r")
    ax.set_title(f"{label}", color="black" if label == true else "red")
    ax.axis("off")
plt.show()
