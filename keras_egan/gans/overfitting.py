"""The overfitting of a discriminator while it trains, and the augmentation that follows it."""

from typing import Any

import numpy as np
from keras import ops

from keras_egan import backend, energies
from keras_egan.backend import processes
from keras_egan.datasets.examples import first_images
from keras_egan.datasets.inputs import check_values, scale
from keras_egan.datasets.loaders import check_labels, described
from keras_egan.gans.control import OF_CRITICS, OVERFITTING, followed, running_mean

EVERY = 4  # steps between two looks at held-out images, as in the paper
AVERAGED = 10  # looks
HELD = 256  # images


class Overfitting:
    """The part of a GAN that knows held-out images, if it has `augment="auto"`.

    In every fourth step, the discriminator scores a batch of them before it learns. They are
    treated like the step's data: as many, in training mode, and augmented with the same
    probability. So the mean energies differ because of the images alone. Nothing that this pass
    assigns is kept, such as the moving averages of a batch normalisation.

    Source: Karras et al., https://arxiv.org/abs/2006.06676, section 3.
    """

    def __init__(self, gan: Any):
        self.gan = gan
        self.automatic = getattr(gan.augment, "automatic", False)
        self.held: dict[str, np.ndarray] = {}
        self.version = 0  # of the held-out images, which are constants of the compiled step
        if self.automatic:
            names = "mean_real_energy", "mean_held_out_energy", "mean_fake_energy"
            self.means = list(map(gan.add_state, names))
            self.probability = gan._states["augment_probability"] = gan.augment.probability

    def hold_out(self, data: Any) -> None:
        """Take the first images of validation data, in any form that `fit` takes.

        Raises:
            ValueError: if there is no validation data, or it can be read only once.
        """
        if not self.automatic:
            return
        if data is None or hasattr(data, "__next__"):
            raise ValueError(
                "`augment='auto'` needs held-out images, as `validation_data` that can be read "
                f"more than once; got {described(data)}. Pass arrays, a dataset, or "
                "`validation_split=0.1`."
            )
        held = dict(processes.first_arrays(processes.together(self._first, data)))
        same = held.keys() == self.held.keys()
        if not (same and all(np.array_equal(held[key], self.held[key]) for key in held)):
            self.held = held
            self.version += 1

    def _first(self, data):
        name, labels, counts = "validation_data", self.gan.labels, range(1, HELD + 1)
        images, found = first_images(data, self.gan.image_shape, counts, name, bool(labels))
        check_values(images, name)
        if not labels:
            return {"images": images}
        what = f"The labels of `{name}`"
        return {"images": images, "labels": check_labels(found, len(images), labels.classes, what)}

    def energy(self, rows: Any, score: Any) -> Any:
        """Return the mean energy of a batch of held-out images in every fourth step, 0 in others.

        Args:
            rows: the `BatchShard` of the step's data, whose size this replica's part has.
            score: a function of images and the `BatchShard` with their labels to energies.
        """

        def energy():
            first = self._looks() * rows.total + rows.start
            index = (first + ops.arange(rows.held, dtype="int32")) % len(self.held["images"])
            held = {name: ops.take(array, index, axis=0) for name, array in self.held.items()}
            images = scale(held["images"], self.gan.image_shape)
            return ops.mean(score(images, rows._replace(labels=held.get("labels"))))

        return backend.lazily(self._due(), energy, self.gan)

    def indicators(self) -> dict[str, Any]:
        """Return the overfitting, as far as it is known, and the probability of augmentation."""
        if not self.automatic:
            return {}
        return {"overfitting": self._found(), "augment_probability": self.probability}

    def control(self, logs: dict[str, Any], held_out: Any) -> None:
        """Move the probability of augmentation after a step that looked at held-out images."""
        due = self._due()
        found = logs["real_energy"], held_out, logs["fake_energy"]
        for mean, value in zip(self.means, found, strict=True):
            moved = running_mean(mean, value, self._looks(), AVERAGED)
            mean.assign(ops.where(due, moved, mean.value))
        p = self.probability.value
        target = OF_CRITICS if self.gan.energy_name == "output" else OVERFITTING
        moved = followed(p, self._found(), target=target, steps=EVERY)
        self.probability.assign(ops.where(due, moved, p))

    def _found(self):
        return energies.overfitting(self.gan.energy_name, *self.means)

    # By operators of the tensor itself, because Keras's would send the number to the device.

    def _due(self):
        return self.gan.step.value % EVERY == 0

    def _looks(self):
        return ops.cast(self.gan.step.value, "int32") // EVERY
