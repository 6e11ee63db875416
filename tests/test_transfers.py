"""The data that a step on PyTorch sends to its device and reads back, on a simulated device."""

import json

import pytest

from tests.conftest import on
from tests.test_backend import run

COUNTED = """
import json, sys; sys.path.insert(0, "benchmarks")
import simulated_device, keras
from tests.registry import CASES, CONDITIONAL, float_images, given

STEPS = 4

class Counts(keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        if batch == 1:
            simulated_device.counts.clear()
        if batch == 1 + STEPS:
            found[name] = {kind: n / STEPS for kind, n in simulated_device.counts.items()}

def optimizer():
    return keras.optimizers.SGD(1e-3)

found = {}
further = "relativistic", "ls_gan_classes", "cls_gan"
chosen = [*CASES[:5], *(case for case in (*CASES, *CONDITIONAL) if case.name in further)]
cases = {case.name: (case, {}) for case in chosen}
cases["one pass"] = CASES[0], {"updates": "one_pass"}
cases["augmented"] = (
    CASES[0],
    {"augment": "color,translation,cutout", "generator_average": 0.9},
)
for name, (case, arguments) in cases.items():
    gan = case.build(optimizer, **arguments)
    gan.fit(given(gan, float_images(24)), batch_size=4, verbose=0, callbacks=[Counts()])
print(json.dumps(found))
"""

KERAS = 2
"""How often Keras's optimizers send a number: each counts its steps."""


@pytest.mark.slow
@on("torch")
def test_a_step_reads_nothing_back_and_sends_batches_and_draws():
    found = json.loads(run(COUNTED).splitlines()[-1])
    sent = {name: counts.pop("to") - KERAS for name, counts in found.items()}
    draws = 2  # latents for the discriminator and for the generator
    names = "began", "ebgan", "magan", "lsgan", "ls_gan", "relativistic"
    expected = dict.fromkeys(names, 1 + draws)
    expected["one pass"] = 1 + 1
    expected["augmented"] = 1 + draws + 3  # data, and fakes twice
    expected["ls_gan_classes"] = 1 + 1 + draws
    expected["cls_gan"] = 1 + 1 + draws + 1  # the classes of unlabelled images' fakes
    assert sent == expected
    assert found["relativistic"].get("waits") == found["began"].get("waits")
    assert all("back" not in counts for counts in found.values())
