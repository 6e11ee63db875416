"""BEGAN-CS: BEGAN with a constrained latent space."""

from typing import Any

import keras
from keras import ops

from keras_egan.gans.began import BEGAN
from keras_egan.saving.hyperparameter import Hyperparameter
from keras_egan.training import check_networks
from keras_egan.training.batch import DiscriminatorOutput


@keras.saving.register_keras_serializable("keras_egan")
class BEGANCS(BEGAN):
    """BEGAN-CS, BEGAN with a constrained latent space (Chang, Lin and Chen, 2018).

    The discriminator's encoder also learns to be the inverse of the generator. With alpha the
    weight of the latent constraint,

        L_D = L(x) - k_t L(G(z_D)) + alpha |Enc(G(z_D)) - z_D|,

    where the last term is the mean over the latent's entries. It is logged as `latent_error`.
    Everything else is as in `BEGAN`.

    `gan.encode(images)` therefore gives latents whose samples resemble the images, and `gan.invert`
    may start from them. The authors use one z for both networks, as `updates="one_pass"` does.
    `"simultaneous"` and `"alternating"` draw one for each.

    Args:
        generator: a Keras model from latents of shape `(batch, latent_dim)` to images.
        discriminator: a Keras model from images to their reconstructions, of the same shape. It
            needs `.encoder` and `.decoder`, as `networks.Autoencoder` has, and an embedding as long
            as a latent.
        latent_constraint: alpha, from 0 up.
        **kwargs: as in `BEGAN`.

    Raises:
        ValueError: if an argument is out of its range, or the networks do not fit one another.

    Source: https://github.com/chang810249/BEGAN-CS, the authors' code. Its energy is the norm of a
    batch's errors; here it is BEGAN's.

    Example:

    ```python
    generator, discriminator = keras_egan.networks.began(image_shape=(32, 32, 1), filters=16)
    gan = keras_egan.BEGANCS(generator, discriminator, gamma=0.5)
    gan.compile(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4))
    gan.fit(images, batch_size=16, epochs=20)
    resembling = gan.predict(gan.encode(images))
    ```
    """

    uses_embedding = True
    latent_constraint = Hyperparameter(
        "be 0 or more", lambda value: value >= 0, "The authors use 0.1."
    )

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        latent_constraint: float = 0.1,
        **kwargs: Any,
    ):
        super().__init__(generator, discriminator, **kwargs)
        check_networks.check_embedding(discriminator, self.latent_dim)
        self.latent_constraint = latent_constraint

    def discriminator_loss(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        difference = ops.cast(fake.embedding, "float32") - ops.cast(fake.latents, "float32")
        error = ops.mean(ops.abs(difference), axis=1)
        loss = super().discriminator_loss(real, fake)
        return loss + self.latent_constraint * error, {"latent_error": error}
