"""An encoder and a decoder as one discriminator."""

from typing import Any, Self

import keras

__all__ = ["Autoencoder"]


@keras.saving.register_keras_serializable("keras_egan")
class Autoencoder(keras.Model):
    """An auto-encoder whose two halves can be called alone.

    Args:
        encoder: a Keras model from images of shape `(batch, ...)` to embeddings.
        decoder: a Keras model from embeddings to reconstructions in the images' shape.
        name: the model's name.

    Raises:
        ValueError: if the decoder's output has another shape than the encoder's input.

    Example:

    ```python
    discriminator = Autoencoder(encoder, decoder)
    reconstruction = discriminator(images)
    embedding = discriminator.encoder(images)
    ```
    """

    def __init__(self, encoder: keras.Model, decoder: keras.Model, name: str = "discriminator"):
        super().__init__(name=name)
        if tuple(encoder.input_shape) != tuple(decoder.output_shape):
            raise ValueError(
                f"`decoder` returns {decoder.output_shape[1:]}, but `encoder` takes "
                f"{encoder.input_shape[1:]}: a reconstruction must have its image's shape."
            )
        self.encoder = encoder
        self.decoder = decoder
        self.built = True

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """The shape of a batch of images, a tuple."""
        return self.encoder.input_shape

    def call(self, images: Any, training: bool = False) -> Any:
        """Returns the reconstruction, a tensor in the shape of `images`."""
        return self.decoder(self.encoder(images, training=training), training=training)

    def get_config(self) -> dict[str, Any]:
        """Returns the two halves, serialized, and the name."""
        return {
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "name": self.name,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Self:
        """Makes the auto-encoder from what `get_config` returned."""
        halves = {
            key: keras.saving.deserialize_keras_object(config[key], custom_objects=custom_objects)
            for key in ("encoder", "decoder")
        }
        return cls(**{**config, **halves})
