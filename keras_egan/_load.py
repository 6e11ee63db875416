"""A GAN from its file, or one that comes trained."""

import os
from pathlib import Path

from keras_egan import presets
from keras_egan.gans.energy_gan import EnergyGAN
from keras_egan.presets._presets import load_trained, unknown
from keras_egan.saving import files


def load(filepath: str | os.PathLike) -> EnergyGAN:
    """Open a GAN's `.keras` file, written on any backend, as it was saved: ready to train on.

    Keras's safe mode makes only registered classes, runs no code in the file and refuses `Lambda`
    layers. If layers were frozen, unfrozen or quantized after the GAN was compiled, its optimizers
    begin anew, with a warning.

    Args:
        filepath: a file that `gan.save` wrote; or the name of a pretrained GAN, one of
            `presets.trained()`; or an address such as `"hf://user/model"`, which Keras opens.
            Register classes of your own in it with
            `keras.saving.register_keras_serializable`, and import them first.

    Returns:
        The GAN, an `EnergyGAN`, compiled if it was.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if something in it needs a package that is not installed.
        ValueError: if `filepath` is neither a file nor a name, the file cannot be opened (Keras's
            reason is in the message), or it holds something else than a GAN.

    Example:

    ```python
    gan = keras_egan.load("began.keras")
    images = gan.sample(64, seed=7)
    digits = keras_egan.load("began/mnist").sample(64)
    ```
    """
    if str(filepath) in presets.trained():
        return load_trained(str(filepath))
    if not (
        str(filepath).endswith(".keras") or files.is_address(filepath) or Path(filepath).is_dir()
    ):
        raise unknown(
            "`filepath` must be a `.keras` file, or the name of a pretrained GAN",
            str(filepath),
            presets.trained(),
        )
    model = files.open_model(filepath)
    if isinstance(model, EnergyGAN):
        return model
    raise ValueError(
        f"{filepath} holds a {type(model).__name__}, which is not a GAN of keras_egan. Open it "
        "with `keras.models.load_model`."
    )
