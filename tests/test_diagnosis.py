"""Diagnosis within `fit`: its warnings, each given once, and their times."""

import csv
import random

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan import callbacks
from keras_egan.callbacks import Backup, Diagnosis
from tests.conftest import few, on
from tests.interrupted import Stateless, Stop
from tests.registry import CASES, CONDITIONAL, EAGERLY, float_images, tiny_networks, uint8_images
from tests.tiny import began

IMAGES = uint8_images(40)
SAID = pytest.mark.filterwarnings("ignore:Since step:UserWarning")


def fit(gan, diagnosis, *others, images=IMAGES, epochs=5, **arguments):
    """Train for ten steps per epoch."""
    arguments = {"batch_size": 4, "verbose": 0, **arguments}
    return gan.fit(images, epochs=epochs, callbacks=[diagnosis, *others], **arguments).history


def still(**arguments):
    """Return a GAN whose generator does not learn, and to which no other rule applies."""
    (case,) = (case for case in CASES if case.name == "lsgan")
    gan = case.build(**arguments)
    gan.compile(keras.optimizers.SGD(1e-3), keras.optimizers.SGD(0.0), **EAGERLY)
    gan.generator.layers[1].kernel.assign(3 * np.random.default_rng(0).normal(size=(8, 64)))
    return gan


def names(diagnosis):
    return [finding["name"] for finding in diagnosis.findings]


@on("torch")
def test_a_symptom_is_a_finding_after_so_many_checks_and_said_once():
    diagnosis = Diagnosis(IMAGES)
    with pytest.warns(
        UserWarning, match="^Since step 20: The generator's weights do not change"
    ) as said:
        history = fit(still(), diagnosis, epochs=7)
    assert len([w for w in said if "generator's weights" in str(w.message)]) == 1
    (found,) = diagnosis.findings
    assert found["name"] == "dead generator"
    assert (found["since"], found["step"]) == (20, 40)  # the first check has nothing to compare
    assert history["diagnosis"] == [0, 0, 0, 1, 1, 1, 1]


@on("torch")
@SAID
def test_checks_within_an_epoch():
    diagnosis = Diagnosis(IMAGES, every=5, patience=2)
    fit(still(), diagnosis, epochs=2)
    (found,) = diagnosis.findings
    assert (found["since"], found["step"]) == (10, 15)


@on("torch")
@SAID
@pytest.mark.parametrize("stop", [False, True])
def test_it_ends_the_training_on_request(stop):
    history = fit(still(), Diagnosis(IMAGES, stop=stop), epochs=7)
    assert len(history["d_loss"]) == (4 if stop else 7)


@on("torch")
@SAID
def test_later_callbacks_see_the_number_of_findings(tmp_path):
    table = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    history = fit(still(), Diagnosis(IMAGES), table, epochs=5)
    with (tmp_path / "log.csv").open(newline="") as file:
        rows = [float(row["diagnosis"]) for row in csv.DictReader(file)]
    assert rows == history["diagnosis"]
    assert rows[0] == 0 < rows[-1]


@on("torch")
@SAID
def test_what_is_not_finite_is_found_at_once():
    class Break(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 2:
                self.model.generator.layers[-2].bias.assign(np.full(64, np.nan))

    gan, diagnosis = CASES[0].build(**EAGERLY), Diagnosis(IMAGES, stop=True)
    history = fit(gan, diagnosis, Break())
    assert names(diagnosis) == ["not finite"]
    assert diagnosis.findings[0]["since"] == 3
    assert "g_loss is nan" in diagnosis.findings[0]["sentence"]
    assert len(history["d_loss"]) == 1


@on("torch")
@SAID
def test_weights_that_the_last_step_spoilt():
    class Break(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.generator.layers[-2].bias.assign(np.full(64, np.nan))

    diagnosis = Diagnosis(IMAGES, stop=True)
    gan = CASES[0].build(**EAGERLY)
    gan.fit(IMAGES, batch_size=4, verbose=0, callbacks=[Break(), diagnosis])
    assert names(diagnosis) == ["not finite"]
    assert "samples are not finite" in diagnosis.findings[0]["sentence"]


@on("torch")
def test_what_gans_say_themselves_goes_through_it():
    """EBGAN's own warning comes after one epoch; here it takes as many checks as the others."""
    random.seed(0)
    gan = keras_egan.EBGAN(*tiny_networks(), margin=1000.0, seed=1)
    gan.compile("adam", "adam", **EAGERLY)
    diagnosis = Diagnosis(IMAGES, patience=2)
    with pytest.warns(UserWarning, match="Since step") as said:
        fit(gan, diagnosis, epochs=3)
    found = [str(w.message) for w in said if "margin of 1000" in str(w.message)]
    assert len(found) == 1
    assert found[0].startswith("Since step 10: For a whole epoch every fake's energy was below")
    assert "margin" in names(diagnosis)


@on("torch")
@SAID
def test_one_class_by_a_classifier():
    classifier = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    classifier.layers[-1].bias.assign([0.0, 99.0, 0.0])
    diagnosis = Diagnosis(IMAGES, patience=1, classifier=classifier)
    fit(still(), diagnosis, epochs=1)
    (found,) = [one for one in diagnosis.findings if one["name"] == "one class"]
    assert "The classifier puts 100% of the samples in class 1" in found["sentence"]


@SAID
@pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning")
@pytest.mark.parametrize("case", few(CASES, "began"), ids=lambda case: case.name)
def test_it_changes_nothing_in_training(case):
    found = []
    for watching in ([], [Diagnosis(IMAGES, every=3)]):
        gan = case.build()
        arguments = {"batch_size": 8, "epochs": 3, "verbose": 0, "shuffle": False}
        gan.fit(float_images(40), callbacks=watching, **arguments)
        found.append([keras.ops.convert_to_numpy(v) for v in gan.variables])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@on("torch")
@SAID
def test_a_resumed_training_goes_on_with_its_findings(tmp_path):
    class Crash(Stateless):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 5:
                raise KeyboardInterrupt

    def run(*others):
        diagnosis = Diagnosis(IMAGES)
        history = fit(still(), diagnosis, Backup(tmp_path), *others, epochs=8)
        return diagnosis, history

    with pytest.raises(KeyboardInterrupt):
        run(Crash())
    diagnosis, history = run()
    whole = Diagnosis(IMAGES)
    expected = fit(still(), whole, epochs=8)
    assert diagnosis.findings == whole.findings
    assert history["diagnosis"] == expected["diagnosis"]


@on("torch")
@SAID
@pytest.mark.parametrize(
    ("cuts", "saves", "arguments"),
    [
        ((25, 35), 1, {}),
        ((20, 30), None, {}),  # between epochs
        ((10, 15), 5, {"every": 5}),  # at a check, after the backup
        ((13, 18), 1, {"every": 5}),  # between two checks
    ],
)
def test_it_ends_a_resumed_training_where_it_would_have_ended(cuts, saves, arguments, tmp_path):
    """Patience, weights and metrics of the last check continue."""

    def diagnosis():
        return Diagnosis(IMAGES, stop=True, **arguments)

    whole = diagnosis()
    expected = fit(still(), whole, epochs=9)
    for cut in cuts:
        with pytest.raises(KeyboardInterrupt):
            fit(still(), diagnosis(), Backup(tmp_path, every=saves), Stop(cut), epochs=9)
    resumed = diagnosis()
    history = fit(still(), resumed, Backup(tmp_path, every=saves), epochs=9)
    assert history == expected
    assert len(history["d_loss"]) < 9
    assert resumed.findings == whole.findings


@on("jax")
def test_figures_of_steps_before_a_cut_count(tmp_path):
    """A metric that was NaN before an interruption is found, although training continued."""
    diagnosis, gan = Diagnosis(IMAGES), began()
    diagnosis.set_model(gan)
    diagnosis.on_train_begin()
    diagnosis.on_epoch_begin(0)
    for step, value in enumerate([1.0, float("nan"), 1.0], 1):
        gan.fit_state.step, gan.fit_state.logs = step, {"d_loss": value}
        diagnosis.on_train_batch_begin(step)
    other = Diagnosis(IMAGES)
    other.set_model(gan)
    other.on_train_begin()
    other.on_epoch_begin(0)
    other.set_state(diagnosis.get_state())
    with pytest.warns(UserWarning, match="Since step 2: d_loss is nan"):
        other.on_epoch_end(0, {})


class Sees(Diagnosis):
    """Note the symptoms that each check has seen."""

    def __init__(self, seen, **arguments):
        super().__init__(IMAGES, **arguments)
        self.given = iter(seen)

    def _evidence(self, steps, samples):
        evidence = super()._evidence(steps, samples)
        healthy = evidence.data._replace(spread=1.0)
        own = {name: "It is so." for name in next(self.given)}
        return evidence._replace(steps={}, data=healthy, fakes=healthy, moved={}, own=own)


@SAID
@on("jax")
@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (["a", "a", "", "a", "a"], []),
        (["a", "a", "b", "a", "a"], []),
        (["", "a", "a", "a", ""], [("a", 20, 40)]),
        (["a", "ab", "b", "b", "b"], [("b", 20, 40)]),
    ],
)
def test_a_symptom_that_is_not_in_a_row_is_no_finding(seen, found):
    diagnosis = Sees(seen, patience=3)
    fit(still(), diagnosis)
    assert [(one["name"], one["since"], one["step"]) for one in diagnosis.findings] == found


@SAID
@on("jax")
def test_it_looks_at_the_generator_that_learns_and_not_at_its_average():
    """Samples of the average stay good long after the generator has collapsed."""

    class Collapse(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.generator.layers[1].kernel.assign(np.zeros((8, 64)))

    gan, diagnosis = still(generator_average=0.999), Diagnosis(IMAGES, patience=1)
    gan.fit(IMAGES, batch_size=4, verbose=0, callbacks=[Collapse(), diagnosis])
    assert "alike" in names(diagnosis)
    assert gan.sample(64, seed=0).std(axis=0).mean() > 0.5  # by the average


@SAID
@on("jax")
def test_images_without_labels_are_looked_at_too():
    (case,) = (case for case in CONDITIONAL if case.name == "cls_gan")
    labels = np.where(np.arange(40) % 10, np.arange(40) % 3, -1)
    gan, diagnosis = case.build(), Diagnosis((IMAGES, labels))
    gan.fit(IMAGES, labels, batch_size=8, verbose=0, callbacks=[diagnosis])
    expected = np.where(labels < 0, np.arange(40) % 3, labels)
    np.testing.assert_array_equal(diagnosis._labels, expected)


@on("torch")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"patience": 0}, "`patience` must be a whole number, 1 or more"),
        ({"every": 0}, "`every` must be a whole number, 1 or more"),
        ({"reference": IMAGES[:1]}, "`reference` must have 2 images or more; got 1"),
        ({"reference": np.zeros((4, 4, 4, 1))}, "`reference` gives images of shape"),
        ({"reference": np.full((4, 8, 8, 1), 7.0)}, r"`reference`: float images must lie in \[-1"),
    ],
)
def test_what_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        fit(began(), callbacks.Diagnosis(**{"reference": IMAGES, **arguments}))
