"""LS-GAN: loss-sensitive GAN, and its generalisation, GLS-GAN."""

from typing import Any

import keras
from keras import ops

from keras_egan import checks, losses
from keras_egan.gans.control import running_mean
from keras_egan.gans.energy_gan import EnergyGAN
from keras_egan.saving.hyperparameter import Automatic, Hyperparameter, Setting
from keras_egan.training.batch import DiscriminatorOutput

_DEAD = (
    "For a whole epoch the discriminator returned 0 for all data and all fakes: the ReLU at its "
    "end is dead, and neither network learns any more. Start again with lower learning rates, or "
    "with a discriminator that ends without ReLU (`networks.loss_sensitive(nonnegative=False)`)."
)
_AVERAGED = 100  # steps


@keras.saving.register_keras_serializable("keras_egan")
class LossSensitiveGAN(EnergyGAN):
    """LS-GAN, loss-sensitive GAN (Qi, 2017), and GLS-GAN; not to be confused with LSGAN.

    The discriminator is a loss function L: a critic that is lower on data than on a fake, by a
    margin that grows with the distance between the two. Each step minimises

        L_D = w L(x) + C(tau Delta(x, G(z)) + L(x) - L(G(z)))  and  L_G = L(G(z)),

    where C(a) = max(a, slope a). Data and fakes are paired by their position in the batch. A slope
    of 0 is LS-GAN, whose L is at least 0. A slope of 1 is WGAN up to a constant, where L is minus
    the critic. Other slopes are GLS-GAN.

    The theory needs an L that is Lipschitz, by weight decay
    (`d_optimizer=keras.optimizers.Adam(1e-4, 0.5, weight_decay=...)`), `weight_clip` or
    `gradient_penalty`. The presets do without. If L is 0 for all data and all fakes of an epoch, a
    warning says that its ReLU is dead.

    Args:
        generator: a Keras model from latents of shape `(batch, latent_dim)` to images.
        discriminator: a Keras model from images to `(batch, 1)`.
        delta_weight: tau, from 0 up. The authors' 2e-4 is for 64x64x3 pixels in [-1, 1]. `"auto"`
            keeps the mean margin at 1 for any Delta: tau is the exponential average of 1 / Delta
            with a time constant of 100 steps, in the first 100 the mean. It is logged as
            `delta_weight`, beside `delta`. The first step has a tau of 0.
        slope: the slope of C for pairs that keep their margin, at most 1.
        delta: the features that Delta compares: by default pixels; or a Keras model from images to
            features, such as a classifier up to a hidden layer. The model runs in inference mode
            and does not change. Delta is the sum of the absolute differences.
        first_term_weight: w, from 0 up; 1 / lambda in the paper, 0 in the authors' code.
        weight_clip: c, above 0. After each update, the discriminator's weights are clipped to
            [-c, c], after any constraints of its layers. The authors' GLS-GAN has 0.08.
        gradient_penalty: the weight, from 0 up, of the mean norm of the gradient of L at data; 10
            in the authors' GLS-GAN-GP. `d_loss` is logged without it.
        energy: `"output"`, or `"cross_entropy"` for CLS-GAN. CLS-GAN needs `num_classes` and a
            classifier as discriminator, from images to `(batch, num_classes)` logits. L(x, y) is
            minus the logarithm of the label's probability. The label -1 marks an image without one.
            Three metrics are logged: `labeled`, the share of images with a label; `labeled_right`,
            the share of images whose label the classifier predicts; and `accuracy`, the latter
            divided by the former. The author's code has a first_term_weight of 1.
        **kwargs: `latent_dim`, `latents`, `d_steps`, `updates`, `generator_average`, `augment`,
            `num_classes`, `seed` and `name`, as in `EnergyGAN`.

    Raises:
        ValueError: if an argument is out of its range, or the networks do not fit one another.

    Source: https://arxiv.org/abs/1701.06264, and the authors' code,
    https://github.com/guojunq/lsgan and https://github.com/guojunq/glsgan. The penalty is that of
    https://github.com/maple-research-lab/glsgan-gp, whose norm is over the channels only.

    Example:

    ```python
    generator, discriminator = keras_egan.networks.loss_sensitive(image_shape=(32, 32, 1))
    gan = keras_egan.LossSensitiveGAN(generator, discriminator, delta_weight=2e-3)
    gan.compile(keras.optimizers.Adam(1e-4, 0.5), keras.optimizers.Adam(1e-4, 0.5))
    gan.fit(images, batch_size=64, epochs=25)  # uint8, or floats in [-1, 1]
    ```
    """

    delta_weight = Automatic(
        "be 0 or more", lambda value: value >= 0, "Or make the GAN with 'auto'."
    )
    slope = Hyperparameter(
        "be 1 or less",
        lambda value: value <= 1,
        "Above 1, kept margins would outweigh violated ones.",
    )
    first_term_weight = Hyperparameter("be 0 or more", lambda value: value >= 0)
    gradient_penalty = Setting("be 0 or more", checks.is_weight)
    weight_clip = Setting(
        "be above 0", lambda value: value is None or (checks.is_finite(value) and value > 0)
    )

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        delta_weight: float | str = 2e-4,
        slope: float = 0.0,
        delta: keras.Model | None = None,
        first_term_weight: float = 0.0,
        weight_clip: float | None = None,
        gradient_penalty: float = 0.0,
        energy: str = "output",
        **kwargs: Any,
    ):
        checks.own_network(delta=delta, discriminator=discriminator)
        super().__init__(generator, discriminator, energy=energy, **kwargs)
        self.delta_weight = delta_weight
        self.slope = slope
        self.delta = delta
        self.first_term_weight = first_term_weight
        self.weight_clip = weight_clip
        self.gradient_penalty = gradient_penalty

    def constrain_discriminator(self) -> None:
        if self.weight_clip is None:
            return
        for variable in self.discriminator.trainable_variables:
            weights = variable.value
            # A tensor, because PyTorch would send a number to the device for each variable.
            bound = self.weight_clip * ops.ones_like(weights[:1])
            variable.assign(ops.clip(weights, -bound, bound))

    def discriminator_loss(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        extract = self.delta or (lambda images, training: images)
        features = [extract(scored.images, training=False) for scored in (real, fake)]
        delta = ops.stop_gradient(losses.reconstruction_energy(*features, energy="sae"))
        loss = losses.loss_sensitive_discriminator_loss(
            real.energy,
            fake.energy,
            delta,
            delta_weight=self.delta_weight,
            slope=self.slope,
            first_term_weight=self.first_term_weight,
        )
        further = {"delta": delta} if "delta_weight" in self._states else {}
        if self.energy_name == "cross_entropy":
            classes = ops.argmax(real.output, axis=-1)
            right = ops.cast(classes, real.labels.dtype) == real.labels
            further |= {"labeled": real.labels >= 0, "labeled_right": right}
        return loss, further

    def indicators(self, metrics: dict[str, Any]) -> dict[str, Any]:
        found = {}
        if "delta_weight" in self._states:
            found["delta_weight"] = self.delta_weight
        if self.energy_name == "cross_entropy":
            # A ratio of means counts labelled images alone, over a batch and over an epoch.
            labeled = metrics["labeled"]
            none = ops.cast(labeled == 0, "float32")
            found["accuracy"] = metrics["labeled_right"] / (labeled + none)
        return found

    def control(self, logs: dict[str, Any]) -> None:
        if "delta_weight" in self._states:
            delta = ops.convert_to_tensor(logs["delta"])
            weight = 1.0 / ops.maximum(delta, 1e-12 * ops.ones_like(delta))
            self.delta_weight.assign(running_mean(self.delta_weight, weight, self.step, _AVERAGED))

    def penalty(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        if not self.gradient_penalty:
            return 0.0
        return self.gradient_penalty * self.gradient_norms(real.images, real.labels)

    def findings(self, logs: dict[str, float]) -> dict[str, str]:
        return {"dead ReLU": _DEAD} if logs["real_energy"] == 0 == logs["fake_energy"] else {}
