"""An encoder and a decoder as one discriminator."""

from functools import cached_property
from typing import Any, Self

import keras


@keras.saving.register_keras_serializable("keras_egan")
class Autoencoder(keras.Model):
    """An auto-encoder whose two halves can be called alone.

    If the decoder takes [embeddings, labels], the auto-encoder takes [images, labels]. Then the
    embedding need not hold the class, and an image with a wrong label is reconstructed badly.

    Args:
        encoder: a Keras model from images of shape `(batch, ...)` to embeddings. If it normalises
            embeddings over the batch, name the layer before the normalisation "embedding":
            `EBGAN`'s pulling-away term compares its outputs.
        decoder: a Keras model from embeddings, or from a list of embeddings and labels, to
            reconstructions in the images' shape.
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
                f"`decoder` must return the shape that `encoder` takes, {encoder.input_shape[1:]}; "
                f"got {decoder.output_shape[1:]}. A reconstruction must have its image's shape."
            )
        self.encoder = encoder
        self.decoder = decoder
        self.built = True

    @property
    def input_shape(self) -> Any:
        """The shape of a batch of images, a tuple; with labels, a list of both shapes."""
        _, *labels = self.decoder.inputs
        images = self.encoder.input_shape
        return [images, *(tuple(one.shape) for one in labels)] if labels else images

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the reconstruction of images, a tensor in their shape."""
        images, *labels = inputs if isinstance(inputs, (list, tuple)) else (inputs,)
        embedding = self.encoder(images, training=training)
        return self.decoder([embedding, *labels] if labels else embedding, training=training)

    def embed(self, images: Any, training: bool = False) -> tuple[Any, Any]:
        """Return embeddings before the encoder normalises them, and the decoder's input."""
        if self._both is not None:
            return self._both(images, training=training)
        embedding = self.encoder(images, training=training)
        return embedding, embedding

    @cached_property  # hidden from Keras, which would track the encoder's layers twice
    def _both(self):
        for layer in self.encoder.layers:
            if layer.name == "embedding":
                outputs = [layer.output, self.encoder.output]
                return keras.Model(self.encoder.input, outputs)
        return None

    def get_config(self) -> dict[str, Any]:
        return {
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "name": self.name,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Self:
        halves = {
            key: keras.saving.deserialize_keras_object(config[key], custom_objects=custom_objects)
            for key in ("encoder", "decoder")
        }
        return cls(**{**config, **halves})
