"""Plans: a pure function of the data, the machine's speed and the minutes."""

import math

import numpy as np
import pytest

from keras_egan import presets
from keras_egan.automatic.build import build
from keras_egan.automatic.files import RunState
from keras_egan.automatic.look import Look, look, sentences
from keras_egan.automatic.plan import (
    Timing,
    behind,
    fitting_sides,
    larger_sides,
    plan,
    sides_for,
    warning,
)
from keras_egan.automatic.reading import Images, Sizes
from keras_egan.automatic.recipes import recipe_for
from keras_egan.automatic.remedy import REMEDIES, remedied
from keras_egan.automatic.report import too_short
from keras_egan.automatic.script import text
from keras_egan.automatic.watch import cause_of
from tests.conftest import on

pytestmark = on("torch")

FACES = Look(
    total=8000,
    left_out="",
    duplicates=0,
    short=178.0,
    aspect=0.8,
    cropped=0.0,
    sides=(72, 56),
    channels=3,
    transparent=0.0,
    flat=0.1,
    background=None,
    own_side=0.52,
    alike=0.5,
    aligned=0.21,
)
SQUARE_FACES = FACES._replace(sides=(64, 64))
HORSES = FACES._replace(total=5000, short=32.0, aspect=1.0, sides=(32, 32), aligned=0.04)
FEW_HORSES = HORSES._replace(total=2000)
DRAWINGS = SQUARE_FACES._replace(total=3786, short=64.0, aspect=1.0, flat=0.7, background=1.0)
DIGITS = FACES._replace(
    total=5000, short=28.0, aspect=1.0, sides=(28, 28), channels=1, flat=0.8, own_side=0.97
)
CLOTHES = DIGITS._replace(total=6000, flat=0.5, aligned=0.6)
LETTERS = DIGITS._replace(total=3726, short=64.0, sides=(64, 64), flat=0.94, background=1.0)
FEW_LETTERS = LETTERS._replace(total=2000)
SLOW, USUAL, FAST = (Timing(step, 0.005) for step in (2.0, 0.25, 0.004))


@pytest.mark.parametrize(
    ("look", "gan", "family"),
    [
        (DIGITS, "EBGAN", "dcgan_autoencoder"),
        (DRAWINGS, "RelativisticGAN", "residual"),
        (FACES, "BEGAN", "dcgan_autoencoder"),
        (SQUARE_FACES._replace(total=2000), "BEGAN", "dcgan_autoencoder"),
        (SQUARE_FACES, "LeastSquaresGAN", "loss_sensitive"),
        (HORSES, "LeastSquaresGAN", "loss_sensitive"),
        (HORSES._replace(sides=(64, 48)), "EBGAN", "dcgan_autoencoder"),
        (HORSES._replace(sides=(36, 36)), "EBGAN", "dcgan_autoencoder"),
        (HORSES._replace(classes=("brown", "white")), "EBGAN", "dcgan_autoencoder"),
        (FEW_HORSES, "EBGAN", "dcgan_autoencoder"),
        (CLOTHES, "EBGAN", "dcgan_autoencoder"),
        (LETTERS, "LeastSquaresGAN", "loss_sensitive"),
        (LETTERS._replace(sides=(32, 32)), "EBGAN", "dcgan_autoencoder"),
        (FEW_LETTERS, "EBGAN", "dcgan_autoencoder"),
        (LETTERS._replace(sides=(64, 48)), "EBGAN", "dcgan_autoencoder"),
        (LETTERS._replace(classes=("serif", "sans")), "EBGAN", "dcgan_autoencoder"),
    ],
)
def test_the_kind_of_data_decides_on_the_gan(look, gan, family):
    preset = presets.get(plan(look, 20, USUAL).preset)
    assert (preset.gan, preset.network) == (gan, family)


@pytest.mark.parametrize(
    ("look", "rate"),
    [(DIGITS, 4e-3), (FEW_LETTERS, 4e-3), (CLOTHES, 1e-3), (FEW_HORSES, 1e-3)],
)
def test_lines_are_learnt_at_higher_rates_than_other_images(look, rate):
    assert (plan(look, 20, USUAL).d_rate, plan(look, 20, USUAL).g_rate) == (rate, rate)


@pytest.mark.parametrize("look", [FACES, DRAWINGS, DIGITS, LETTERS, HORSES, FEW_HORSES])
def test_a_faster_machine_and_more_minutes_never_narrow_the_networks(look):
    widths = [plan(look, 20, timing).filters for timing in (SLOW, USUAL, FAST)]
    assert widths == sorted(widths)
    assert widths[0] == min(recipe_for(look).widths)
    assert widths[-1] == max(recipe_for(look).widths)
    longer = [plan(look, minutes, USUAL).filters for minutes in (1, 10, 100, 1000)]
    assert longer == sorted(longer)


def test_the_width_is_the_largest_whose_images_are_seen():
    """64 images per step of 0.25 s: 20 minutes less 15 % are 4,080 steps, 261,120 images."""
    assert plan(FACES, 20, USUAL).filters == 32  # 250,000 are needed
    assert plan(FACES, 19, USUAL).filters == 24  # 248,064 at 32 filters


def test_time_that_is_spent_does_not_count_and_compiling_must_pay():
    spent = USUAL._replace(spent=600.0)
    assert plan(FACES, 20, spent).filters == plan(FACES, 10, USUAL).filters
    assert plan(FACES, 20, spent).steps == plan(FACES, 10, USUAL).steps
    assert plan(FACES, 10, USUAL._replace(build=50.0)).filters == 16  # a tenth of the time is 51 s
    assert plan(FACES, 10, USUAL._replace(build=52.0)).filters == 32  # the preset's
    assert larger_sides(FACES, 20, FAST._replace(build=200.0)) is None


def test_a_gpu_gets_larger_images_if_the_data_has_them():
    assert larger_sides(SQUARE_FACES, 20, FAST) == (128, 128)
    assert larger_sides(SQUARE_FACES, 20, USUAL) is None
    assert larger_sides(DRAWINGS, 20, FAST) is None  # the images have 64 pixels
    assert larger_sides(FACES._replace(sides=(128, 128), short=999.0), 20, FAST) is None
    assert larger_sides(FACES._replace(sides=(32, 32)), 4, Timing(0.01, 0.005)) == (64, 64)


@pytest.mark.parametrize(
    ("look", "sides"),
    [
        (CLOTHES, (32, 32)),
        (DIGITS, None),  # EBGAN takes them as they are
        (LETTERS._replace(sides=(60, 60)), (64, 64)),
        (CLOTHES._replace(total=2000), None),
        (CLOTHES._replace(classes=("a", "b")), None),
        (CLOTHES._replace(sides=(24, 24)), None),  # a third more would blur them
        (CLOTHES._replace(sides=(28, 24)), None),
        (CLOTHES._replace(sides=(32, 32)), None),
    ],
)
def test_images_are_enlarged_a_little_for_a_better_network(look, sides):
    assert fitting_sides(look) == sides
    if sides:
        assert plan(look._replace(sides=sides), 20, USUAL).preset == "least_squares/photographs"


@pytest.mark.parametrize(
    ("sizes", "minutes", "sides"),
    [
        (Sizes(28.0, 1.0, 1.0, 0.0), 20, (28, 28)),
        (Sizes(32.0, 1.0, 1.0, 0.0), 20, (32, 32)),
        (Sizes(33.0, 1.0, 1.0, 0.0), 20, (32, 32)),
        (Sizes(1200.0, 1.5, 0.4, 0.0), 20, (64, 64)),
        (Sizes(1200.0, 1.5, 0.4, 0.0), 3, (32, 32)),
        (Sizes(200.0, 1.0, 1.0, 0.0), 20, (64, 64)),
    ],
)
def test_sides(sizes, minutes, sides):
    assert sides_for(sizes, minutes) == sides


@pytest.mark.parametrize("aspect", [1.5, 2 / 3, 4 / 3, 2.0])
def test_images_of_one_aspect_keep_it(aspect):
    height, width = sides_for(Sizes(200.0, aspect, 1.0, 0.0), 20)
    assert height % 8 == width % 8 == 0
    assert width / height == pytest.approx(aspect, rel=0.1)
    assert height * width == pytest.approx(64**2, rel=0.3)


def test_images_of_another_shape_are_counted():
    sizes = Sizes.of([(64, 64)] * 30 + [(300, 200)] * 10)
    assert sizes == (64.0, 1.0, 0.75, 0.75)
    images = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 1), "uint8")
    facts, _ = look(Images(images, None, None, "", 0.0), sizes)
    assert "25% are not square: their middle square is taken." in sentences(facts)
    wide = Sizes.of([(300, 200)] * 40)
    facts, _ = look(Images(images[:, 4:12], None, None, "", 0.0), wide)
    assert facts.cropped == 0.0


def test_too_few_minutes_are_said_and_how_many_would_do():
    """5 minutes have 340 steps of 0.75 s; 93,750 images need 1,465, and 15 % for figures."""
    assert warning(plan(FACES, 20, USUAL), 0.0) is None  # 261,120 of 250,000
    made = plan(FACES, 5, SLOW)
    assert (made.filters, made.images_seen, made.images_needed) == (12, 340 * 64, 93_750)
    said = warning(made, 100.0)
    assert said.startswith(
        "There is time for 23% of the training that good samples need: it takes about 24 min"
    )


@pytest.mark.parametrize("timing", [SLOW, USUAL, FAST])
@pytest.mark.parametrize("minutes", [0.5, 20, 600])
@pytest.mark.parametrize("look", [FACES, DRAWINGS, DIGITS, FACES._replace(total=40)])
def test_what_every_plan_holds(look, minutes, timing):
    made = plan(look, minutes, timing)
    seconds = 60 * minutes
    assert made.batch_size <= (look.total - look.held_out) / 2
    assert made.steps * made.step_seconds <= max(seconds, made.step_seconds)
    assert 1 <= made.samples <= look.held_out
    assert made.samples * timing.figure <= 0.16 * made.interval
    assert made.every * made.step_seconds <= max(made.interval, made.step_seconds)
    assert made == plan(look, minutes, timing)
    assert all(isinstance(text, str) for pair in made.decisions for text in pair)


def test_few_images_are_augmented_and_letters_not_mirrored():
    assert plan(DRAWINGS, 20, USUAL).augment == ("color,translation,cutout", 0.0)
    assert plan(FACES, 20, USUAL).augment is None
    assert plan(DIGITS, 20, USUAL).augment is None
    assert plan(FEW_LETTERS, 20, USUAL).augment == ("translation", 1.0)
    few = DIGITS._replace(total=1000, background=-1.0)
    assert plan(few, 20, USUAL).augment == ("translation", -1.0)
    assert plan(FACES, 20, USUAL).horizontal_flip
    assert not plan(DIGITS, 20, USUAL).horizontal_flip


@pytest.mark.parametrize("look", [FACES, DRAWINGS, DIGITS, DIGITS._replace(classes=("a", "b"))])
def test_what_is_built_is_what_was_planned(look):
    look = look._replace(sides=(16, 16))
    made = plan(look, 20, SLOW)
    gan = build(made, seed=1)
    assert gan.image_shape == look.image_shape
    assert [float(o.learning_rate) for o in gan.optimizer.optimizers] == pytest.approx(
        [made.d_rate, made.g_rate]
    )
    assert gan.generator_average == presets.get(made.preset).arguments["generator_average"]
    assert (gan.augment is None) == (made.augment is None)
    assert gan.num_classes == (2 if look.classes else None)


@pytest.mark.parametrize(
    ("figures", "findings", "share", "cause"),
    [
        ([1.2, 0.9, 0.7, 0.6], [], 0.5, None),
        ([1.2, math.nan], [], 0.1, "diverged"),
        ([1.2], ["not finite"], 0.1, "diverged"),
        ([0.9, 0.8], ["alike"], 0.2, "collapsed"),
        ([0.9, 0.8], ["k_t swings"], 0.2, None),
        ([0.9, 0.5, 0.7, 0.7], [], 0.5, "risen"),
        ([0.9, 0.5, 0.7, 0.7], ["memorised images"], 0.5, "memorised"),
        ([0.9, 0.5, 0.4, 0.4], ["memorised images"], 0.5, None),
        ([0.9, 0.5, 0.5, 0.7], [], 0.5, None),
        ([2.5, 3.3, 3.6], [], 0.1, None),  # the beginning had nothing to lose
        ([0.2, 0.05, 0.07, 0.07], [], 0.5, None),  # within the noise of the floor
        ([1.3, 1.3, 1.3, 1.3], [], 0.5, "stuck"),
        ([1.3, 1.3, 1.3, 1.3], [], 0.2, None),  # too early
        ([1.6, 1.5, 1.4, 1.3], [], 0.5, None),  # the figure still falls
        ([4.0, 3.5, 3.0, 2.1], [], 0.4, "stuck"),  # it falls too slowly
        ([4.0, 3.5, 3.0, 2.1], [], 0.2, None),
        ([4.0, 3.5, 3.0, 1.9], [], 0.4, None),
        ([], [], 0.0, None),
    ],
)
def test_causes(figures, findings, share, cause):
    assert cause_of(figures, findings, share, floor=0.1) == cause


@pytest.mark.parametrize("cause", sorted({remedy.cause for remedy in REMEDIES}))
@pytest.mark.parametrize("look", [FACES, DRAWINGS, DIGITS, LETTERS, HORSES, FEW_HORSES])
def test_a_remedy_changes_one_thing(look, cause):
    before = plan(look, 20, USUAL)
    after, sentence = remedied(before, cause, fill=-1.0)
    assert "because" in sentence
    if after.preset != before.preset:
        assert (cause, after.preset) == ("stuck", "ebgan/photographs")
        assert presets.get(before.preset).gan in ("BEGAN", "LeastSquaresGAN", "RelativisticGAN")
        assert "margin" in presets.get(after.preset).arguments
        assert after.images_needed == plan(FEW_HORSES, 1e5, USUAL._replace(build=1e9)).images_needed
        build(after, seed=0)
        again, sentence = remedied(after, cause)
        assert (again.preset, again.d_rate) == (after.preset, 0.2 * after.d_rate)
        return
    changed = {
        "rates": (after.d_rate, after.g_rate) != (before.d_rate, before.g_rate),
        "augment": after.augment != before.augment,
        "arguments": after.arguments != before.arguments,
    }
    assert sum(changed.values()) == 1
    rest = {"d_rate": 0.0, "g_rate": 0.0, "augment": None, "arguments": {}}
    assert before._replace(**rest) == after._replace(**rest)
    if changed["rates"]:
        ratio = np.divide((after.d_rate, after.g_rate), (before.d_rate, before.g_rate))
        assert ratio[0] == pytest.approx(ratio[1])
        assert ratio[0] < 1
    elif changed["arguments"]:
        assert after.arguments["r1_weight"] == after.arguments["r2_weight"] == 4.0
    else:
        assert after.augment == ("translation", -1.0)


@pytest.mark.parametrize(
    ("every", "steps", "lines"),
    [
        (1, 52, "epochs=1,\n    steps_per_epoch=50,"),
        (1, 7, "epochs=1,\n    steps_per_epoch=7,"),
        (200, 1000, "epochs=5,\n    steps_per_epoch=200,"),
    ],
)
def test_an_epoch_of_the_script_is_no_single_step(every, steps, lines):
    made = plan(FACES, 20, USUAL)._replace(every=every, steps=steps)
    assert lines in text("photos", made)


@pytest.mark.parametrize(
    ("look", "minutes", "reason"),
    [
        (DIGITS, 20, "near their own size"),
        (FACES, 20, "the presets were tuned at 64x64"),
        (FACES._replace(sides=(48, 80)), 20, "the presets were tuned at 64x64"),
        (FACES._replace(sides=(32, 32)), 3, "there are fewer than 5 minutes"),
        (FACES._replace(sides=(128, 128)), 600, "there is time for twice the usual size"),
    ],
)
def test_the_plan_says_why_it_takes_this_size(look, minutes, reason):
    height, width = look.sides
    decision, why = plan(look, minutes, USUAL).decisions[1]
    assert decision == f"images of {width}x{height}"
    assert why.startswith(reason)


def test_how_far_a_training_is_behind():
    """186,000 images are left, 2,906.25 steps of 0.6 s, after 10 minutes: 39.06 minutes in all."""
    made = plan(FACES, 20, USUAL)
    said = behind(made, 1000, 600.0, 0.6)
    assert said.startswith("BEGAN has seen 64,000 of the 250,000 images")
    assert "takes 40 minutes at this speed: go on by the same command with `--minutes 40`" in said
    assert behind(made, 1954, 600.0, 0.6) is None  # 125,056 images


def test_how_long_is_left_follows_from_the_newest_steps():
    """100 steps took 50 s, so that 3,706.25 more take 1,853 s after 160: 33.55 minutes in all."""
    figures = [{"step": 100, "seconds": 100.0}, {"step": 200, "seconds": 150.0}]
    made = plan(FACES, 20, USUAL)
    state = RunState("photos", 0, FACES, made._replace(every=100), 0, "new", 160.0, [], figures)
    assert "takes 34 minutes" in too_short(state)
    figures.append({"step": 202, "seconds": 190.0})  # the start of a training that was stopped
    assert "takes 34 minutes" in too_short(state._replace(seconds=160.0))
