"""`share`: a GAN as a small file, or with a model card in a folder or on the Hugging Face Hub."""

import io
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import keras

from keras_egan import pictures
from keras_egan.backend import processes
from keras_egan.backend.keras_internals import written
from keras_egan.datasets.preparation import pillow
from keras_egan.extras import require
from keras_egan.gans.energy_gan import EnergyGAN
from keras_egan.image_format import is_image
from keras_egan.metrics import Comparison
from keras_egan.saving import files
from keras_egan.saving.small_file import shrunk, zipped

_SHOWN = 64
_HUB = re.compile(r"hf://([\w.-]+/[\w.-]+)")
_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9.-]*")  # of a license, as the hub has them


def share(
    gan: EnergyGAN,
    destination: str | os.PathLike,
    *,
    data: str | None = None,
    license: str | None = None,
    figures: Comparison | None = None,
    api: Any = None,
) -> None:
    """Write a GAN for others: small, and with a model card if it is a folder or a repository.

    Optimizers are left out, the generator gets its averaged weights, and matrices are rounded to
    half precision, so that a file has 2 bytes per weight instead of 12 or more. Use `gan.save` to
    train on exactly. `keras_egan.load` opens all three destinations, in Keras's safe mode; so does
    `keras.saving.load_model` after `import keras_egan`. Compile the loaded GAN to train it further.

    The model card, `README.md`, has a grid of samples, drawn from the written file, the figures
    with their protocol, the settings, the data and how to load the GAN. Files of the same names are
    replaced, others stay.

    Args:
        gan: the GAN.
        destination: a path that ends in `.keras`: one file without a card; a local folder; or
            an address such as `"hf://user/name"` of the Hugging Face Hub. A new repository is
            public; to have it private, create it first.
        data: sentences for the card about the data that the GAN was trained on: where it is from,
            who made it, and its licence. Needed for a card.
        license: the licence of the shared files, such as `"cc-by-sa-3.0"` or another identifier of
            the hub, or its name. Needed for a card.
        figures: a result of `metrics.compare`, for the card.
        api: the client of the hub, a `huggingface_hub.HfApi`; by default one with the token of
            `hf auth login`.

    Raises:
        ImportError: if huggingface_hub (the extra `hub`) or, for the grid, Pillow (the extra
            `images`) is not installed.
        ValueError: if an argument is missing, is not of its kind, or has no place in a file without
            a card; or if the written file cannot be opened, for example because a class is not
            registered with Keras.
        OSError: if a file cannot be written.

    Example:

    ```python
    share(gan, "digits.keras")
    share(
        gan,
        "digits/",  # or "hf://user/digits"
        data="The MNIST digits of Yann LeCun and Corinna Cortes, CC BY-SA 3.0.",
        license="cc-by-sa-3.0",
    )
    gan = keras_egan.load("digits/")
    ```
    """
    if str(destination).endswith(".keras"):
        card = {"data": data, "license": license, "figures": figures}
        if given := [name for name, value in card.items() if value is not None]:
            raise ValueError(
                f"`{given[0]}` belongs to a model card, which a `.keras` file does not have. Share "
                f"a folder or an address such as 'hf://user/name', or omit `{given[0]}`."
            )
        path = files.local(destination=destination)
        processes.by_first(lambda: files.write(path, zipped(_members(gan))))
        return
    for name, text in {"data": data, "license": license}.items():
        if not (isinstance(text, str) and text.strip()):
            raise ValueError(
                f"`{name}` must be a text for the model card; got {text!r}. Say what the GAN was "
                "trained on and under which licence you share it, for example "
                "`data='My photographs of leaves, 2026.', license='cc-by-4.0'`."
            )
    if not (figures is None or isinstance(figures, Comparison)):
        raise ValueError(
            f"`figures` must be a result of `metrics.compare`, which holds the protocol; got "
            f"{figures!r}."
        )
    texts = str(data).strip(), str(license).strip()
    if str(destination).startswith("hf://"):
        found = _HUB.fullmatch(str(destination))
        if not found:
            raise ValueError(
                f"`destination` must name user and repository, as 'hf://user/name' does; got "
                f"{str(destination)!r}."
            )
        hub = require("huggingface_hub", "hub", f"Sharing to {destination}")
        processes.by_first(_upload, gan, found[1], texts, figures, api or hub.HfApi())
    else:
        folder = files.local(destination=destination)
        name = folder.resolve().name
        processes.by_first(_write, gan, folder, name, name, texts, figures)


def _upload(gan, repository, texts, figures, api):
    with tempfile.TemporaryDirectory() as folder:
        _write(gan, Path(folder), repository, f"hf://{repository}", texts, figures)
        api.create_repo(repository, exist_ok=True)
        api.upload_folder(
            repo_id=repository, folder_path=folder, commit_message="Share a GAN of keras_egan"
        )


def _members(gan):
    """Return the members of the small file by name."""
    with gan.averaged() if gan._weight_average else nullcontext():
        data = written(keras.Model.save.__get__(gan), ".keras", zipped=True)
    return shrunk(data)


def _write(gan, folder, title, address, texts, figures):
    members = _members(gan)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "gan.keras"
        path.write_bytes(zipped(members))
        shared = files.open_model(path)
    if is_image(gan.image_shape):
        members["samples.png"] = _grid(shared)
    members["README.md"] = "\n".join(_card(gan, title, address, texts, figures)).encode()
    for name, content in members.items():
        files.write(folder / name, content)


def _grid(gan):
    file = io.BytesIO()
    pillow().fromarray(pictures.grid(gan.sample(_SHOWN, seed=0))).save(file, "PNG")
    return file.getvalue()


def _card(gan, title, address, texts, figures) -> Iterator[str]:
    data, license = texts
    shape = " x ".join(map(str, gan.image_shape))
    yield "---"
    yield "library_name: keras"
    if _IDENTIFIER.fullmatch(license):
        yield f"license: {license}"
    else:
        yield "license: other"
    if is_image(gan.image_shape):
        yield "pipeline_tag: unconditional-image-generation"
    yield "tags:\n- gan\n- keras_egan\n---\n"
    yield f"# {title}\n"
    yield f"A {type(gan).__name__} of keras_egan for samples of shape {shape}.\n"
    if is_image(gan.image_shape):
        yield "![Samples](samples.png)\n"
        yield f"{_SHOWN} samples of seed 0, not selected.\n"
    yield "## Load\n"
    yield "```python\nimport keras_egan\n"
    yield f'gan = keras_egan.load("{address}")'
    yield f"images = gan.sample(64, seed=7)  # {(64, *gan.image_shape)}"
    energy = "gan.energy(images, labels=0)" if gan.num_classes else "gan.energy(images)"
    yield f"energies = {energy}  # low on data\n```\n"
    yield "It opens on TensorFlow, JAX and PyTorch. Compile it before you train it further: the"
    yield "optimizers are left out. Matrices have half precision.\n"
    yield f"## Data\n\n{data}\n"
    yield f"Licence of these files: {license}.\n"
    if figures is not None:
        yield from _figures(figures.as_dict())
    yield "## Settings\n"
    yield from _table(("setting", "value"), _settings(gan))


def _figures(found) -> Iterator[str]:
    yield "## Figures\n"
    errors = ((name, *figure.values()) for name, figure in found["figures"].items())
    rows = [(name, f"{v:.5g}", "" if e is None else f"{e:.2g}") for name, v, e in errors]
    yield from _table(("figure", "value", "standard error"), rows)
    yield "Figures are comparable if they have the same protocol:\n"
    yield from _table(("protocol", "value"), found["protocol"].items())


def _settings(gan) -> Iterator[tuple[str, Any]]:
    yield "training steps", int(keras.ops.convert_to_numpy(gan.step))
    for side in ("generator", "discriminator"):
        yield f"{side}'s weights", f"{getattr(gan, side).count_params():,}"
    for name, value in gan.get_config().items():
        if isinstance(value, dict) and name not in ("generator", "discriminator"):
            value = f"{value.get('class_name')} {value.get('config')}"
        if isinstance(value, (bool, int, float, str, list)) and name != "name":
            yield name, value
    for side in ("d_optimizer", "g_optimizer") if gan.compiled else ():
        optimizer = getattr(gan, side)
        rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        betas = [
            f", {name} {getattr(optimizer, name):.3g}"
            for name in ("beta_1", "beta_2")
            if hasattr(optimizer, name)
        ]
        yield side, f"{type(optimizer).__name__}, learning rate {rate:.3g}{''.join(betas)}"


def _table(heads, rows) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        cells = (str(cell).replace("|", "\\|").replace("\n", " ") for cell in row)
        yield f"| {' | '.join(cells)} |"
    yield ""
