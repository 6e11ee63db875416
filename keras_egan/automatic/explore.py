"""A page in the browser to explore a generator, and the functions behind its controls."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_egan import checks, metrics, pictures
from keras_egan.automatic.build import laid_out
from keras_egan.automatic.reading import read
from keras_egan.datasets.preparation import Preparation, pixels
from keras_egan.extras import require
from keras_egan.gans.energy_gan import EnergyGAN
from keras_egan.image_format import is_image
from keras_egan.networks._layers import split_shape
from keras_egan.training.labels import with_labels

SLIDERS = 6
SHOWN = 16
_ROWS, _COLUMNS = 6, 8  # of interpolations, and of samples beside their nearest images
_DRAWN = 1000  # samples that show the directions
_COMPARED = 500  # images whose energies an energy is compared with
_SIDE = 640  # pixels of a picture on the page


class Explorer:
    """The functions of the page: from the values of its controls to pictures and sentences.

    Args:
        gan: a GAN of images.
        images: training images, uint8 of shape `(n, *image_shape)`, or None.

    Raises:
        ValueError: if the GAN's samples are not images.
    """

    def __init__(self, gan: EnergyGAN, images: np.ndarray | None = None):
        if not is_image(gan.image_shape):
            raise ValueError(f"`model` must make images; it makes samples of {gan.image_shape}.")
        self.gan = gan
        self.images: Any = images
        z = gan.draw_latents(_DRAWN, seed=0)
        labels = gan.labels.drawn(_DRAWN, None, 0) if gan.labels else None
        samples = gan.generate(z, labels=labels)
        self.directions = directions(z, samples)
        self.deviation = float(z.std())
        known = None if labels is None else labels[:_COMPARED]
        self.energies = {"samples": gan.energy(samples[:_COMPARED], labels=known)}
        if images is not None and labels is None:
            chosen = np.random.default_rng(0).permutation(len(images))[:_COMPARED]
            self.energies["training images"] = gan.energy(images[chosen])

    def samples(self, seed: float, label: float, *amounts: float) -> np.ndarray:
        """Return samples whose latents are moved along the directions, by standard deviations."""
        z = self.gan.draw_latents(SHOWN, int(seed))
        z = z + self.deviation * np.asarray(amounts, "float32") @ self.directions[: len(amounts)]
        z = z.clip(-1, 1) if self.gan.latents == "uniform" else z
        return self.gan.generate(z.astype("float32"), labels=self._label(label))

    def grid(self, *controls: float) -> np.ndarray:
        """Return a picture of `samples`."""
        return _enlarged(pictures.grid(self.samples(*controls)))

    def between(self, seed: float, other: float, label: float) -> np.ndarray:
        """Return a picture with rows of samples between the latents of two seeds."""
        a, b = (self.gan.draw_latents(_ROWS, int(of)) for of in (seed, other))
        labels = self._label(label)
        return _enlarged(pictures.grid(self.gan.interpolate(a, b, _COLUMNS, labels=labels)))

    def nearest(self, *controls: float) -> np.ndarray:
        """Return a picture of `samples`, each in a row with the training images nearest to it."""
        samples = self.samples(*controls)[:_ROWS]
        k = min(_COLUMNS - 1, len(self.images))
        return _enlarged(pictures.grid(metrics.nearest(samples, self.images, k=k).rows))

    def judge(self, picture: Any, label: float) -> tuple[np.ndarray | None, str]:
        """Return a picture and its reconstruction as the discriminator sees it, and a sentence.

        Args:
            picture: an image of Pillow, of any size, or None.
            label: its class, if the GAN has classes.
        """
        if picture is None:
            return None, ""
        height, width, channels = split_shape(self.gan.image_shape)
        image = Preparation((height, width))(pixels(picture, "L" if channels == 1 else "RGB"))[None]
        labels = self._label(label)
        energy = float(self.gan.energy(image, labels=labels)[0])
        shares = [
            f"{(energies > energy).mean():.0%} of {len(energies)} {name}"
            for name, energies in self.energies.items()
        ]
        seen = image.astype("float32") / 127.5 - 1.0
        if checks.has_encoder(self.gan.discriminator):
            given = with_labels(seen, None if labels is None else np.array([labels]))
            found = self.gan.discriminator.predict(given, verbose=0)
            seen = np.concatenate([seen, found.clip(-1.0, 1.0)])
        return _enlarged(pictures.grid(seen)), (
            f"Energy {energy:.4g}, lower than that of {' and '.join(shares)}."
        )

    def _label(self, label):
        return int(label) if self.gan.labels else None


def directions(latents: np.ndarray, samples: np.ndarray, count: int = SLIDERS) -> np.ndarray:
    """Return the directions of latents along which samples change most, strongest first.

    They are the singular vectors of the linear map from latents to samples, found by least squares.
    The latents' own distribution has no principal directions, so that GANSpace (arXiv 2004.02546),
    as recalled, also takes those of its images' features. Along each, samples become brighter.

    Args:
        latents: float array of shape `(n, latent_dim)`, with n above `latent_dim`.
        samples: float array of shape `(n, *image_shape)`.
        count: number of directions, at most `latent_dim`.

    Returns:
        Unit vectors, float32 of shape `(count, latent_dim)`.
    """
    z = latents - latents.mean(axis=0)
    x = samples.reshape(len(samples), -1)
    fitted = np.linalg.lstsq(z, x - x.mean(axis=0), rcond=None)[0]
    left, _, right = np.linalg.svd(fitted, full_matrices=False)
    signs = np.where(right.sum(axis=1) < 0, -1.0, 1.0)
    return (left * signs).T[:count].astype("float32")


def images_for(gan: EnergyGAN, source: Any) -> np.ndarray:
    """Return the images of a source of `datasets.load`, uint8 at the size of a GAN's images."""
    height, width, channels = split_shape(gan.image_shape)
    return laid_out(read(source, (height, width)).images[..., :channels])


def page(gan: EnergyGAN, images: np.ndarray | None = None, name: str = "") -> Any:
    """Return the page, a `gradio.Blocks`; arguments as in `Explorer`, `name` for its heading.

    Raises:
        ImportError: if gradio (the extra `explore`) is not installed.
    """
    gr = require("gradio", "explore", "The page")
    explorer = Explorer(gan, images)
    picture = {"interactive": False, "show_label": False, "height": _SIDE, "format": "png"}
    picture["buttons"] = ["fullscreen", "download"]  # and none that publishes
    with gr.Blocks(title=f"keras_egan: {name}", analytics_enabled=False) as made:
        gr.Markdown(
            f"# {name}\nA {type(gan).__name__}. Each slider moves the latents of all samples."
        )
        with gr.Row():
            with gr.Column(scale=1, min_width=260):
                seed = gr.Number(0, label="Seed", precision=0, minimum=0)
                label = gr.Number(
                    0,
                    label="Class",
                    precision=0,
                    minimum=0,
                    maximum=(gan.num_classes or 1) - 1,
                    visible=bool(gan.labels),
                )
                sliders = [
                    gr.Slider(-3, 3, 0, step=0.1, label=f"Direction {number}")
                    for number in range(1, len(explorer.directions) + 1)
                ]
                gr.Button("All to 0").click(lambda: [0] * len(sliders), None, sliders)
            controls = [seed, label, *sliders]
            with gr.Column(scale=2, min_width=320):
                with gr.Tab("Samples"):
                    shown = gr.Image(**picture)
                    _whenever(gr, made, controls, explorer.grid, shown)
                with gr.Tab("Between"):
                    other = gr.Number(1, label="From the seed to this seed", precision=0, minimum=0)
                    shown = gr.Image(**picture)
                    _whenever(gr, made, [seed, other, label], explorer.between, shown)
                with gr.Tab("Nearest"):
                    if images is None:
                        gr.Markdown("Give the images: `keras_egan explore MODEL --data photos/`.")
                    else:
                        gr.Markdown("Each row: a sample, and the training images nearest to it.")
                        find = gr.Button("Find them")
                        find.click(explorer.nearest, controls, gr.Image(**picture))
                with gr.Tab("Energy"):
                    given = gr.Image(type="pil", label="A picture of yours", height=_SIDE // 2)
                    said = gr.Markdown()
                    seen = gr.Image(**picture | {"height": _SIDE // 2})
                    gr.on(
                        [given.change, label.change], explorer.judge, [given, label], [seen, said]
                    )
    return made


def _whenever(gr, made, controls: Sequence[Any], function, shown):
    changes = [control.change for control in controls]
    gr.on([made.load, *changes], function, controls, shown, trigger_mode="always_last")


def _enlarged(picture):
    """Return a picture whose pixels are squares, because browsers would blur a small one."""
    factor = max(1, _SIDE // max(picture.shape[:2]))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)
