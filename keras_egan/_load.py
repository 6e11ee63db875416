"""`load`: a GAN from its file, or a pretrained one."""

import os
from pathlib import Path

from keras_egan import presets
from keras_egan.extras import require
from keras_egan.gans.energy_gan import EnergyGAN
from keras_egan.presets._presets import load_trained, unknown
from keras_egan.saving import files


def load(filepath: str | os.PathLike) -> EnergyGAN:
    """Load a GAN from a `.keras` file of any backend, ready to continue training.

    Keras's safe mode builds only registered classes, runs no code from the file and refuses
    `Lambda` layers. If layers were frozen, unfrozen or quantized after the GAN was compiled, its
    optimizers start anew, with a warning.

    Args:
        filepath: a file that `gan.save` or `share` wrote; a folder of `share`; the name of a
            pretrained GAN, one of `presets.trained()`; or an address such as `"hf://user/name"` of
            the Hugging Face Hub. If it has classes of your own, register them with
            `keras.saving.register_keras_serializable`, and import them first.

    Returns:
        The GAN, an `EnergyGAN`, compiled if it was compiled when saved.

    Raises:
        FileNotFoundError: if the file does not exist.
        ImportError: if the file's GAN needs a package that is not installed, or the hub needs
            huggingface_hub (the extra `hub`).
        ValueError: if `filepath` is neither a file nor a name, if the file cannot be opened (the
            message has Keras's reason), or if it does not hold a GAN.

    Example:

    ```python
    gan = keras_egan.load("began.keras")
    images = gan.sample(64, seed=7)
    digits = keras_egan.load("began/mnist").sample(64)
    ```
    """
    if str(filepath) in presets.trained():
        return load_trained(str(filepath))
    if str(filepath).startswith("hf://"):
        require("huggingface_hub", "hub", f"Loading {filepath}")
    if not (
        str(filepath).endswith(".keras") or files.is_address(filepath) or Path(filepath).is_dir()
    ):
        raise unknown(
            "`filepath` must be a `.keras` file or the name of a pretrained GAN",
            str(filepath),
            presets.trained(),
        )
    model = files.open_model(filepath)
    if isinstance(model, EnergyGAN):
        return model
    raise ValueError(
        f"{filepath} must hold a GAN of keras_egan; it holds a {type(model).__name__}. Open it "
        "with `keras.models.load_model`."
    )
