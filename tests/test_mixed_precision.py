"""Half precision: networks compute in it, energies, losses and controllers do not."""

import keras
import numpy as np
import pytest

from tests.conftest import few, on
from tests.registry import CASES, CONDITIONAL, EAGERLY, float_images, given, labels_for


@pytest.fixture(params=["mixed_bfloat16", "mixed_float16"])
def policy(request):
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy("float32")


@pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning")
@pytest.mark.parametrize("case", few(CASES, "began"), ids=lambda case: case.name)
def test_every_gan_trains_as_in_float32(case, policy):
    """Three steps move the weights equally, up to half precision's rounding."""
    moves = {}
    for name in ("float32", policy):
        keras.config.set_dtype_policy(name)
        gan = case.build(**(EAGERLY if name != "mixed_float16" else {}))
        assert gan.generator.compute_dtype == name.removeprefix("mixed_")
        assert {variable.dtype for variable in gan.trainable_variables} == {"float32"}
        before = flat(gan.trainable_variables)
        gan.fit(float_images(48), batch_size=16, shuffle=False, verbose=0)
        moves[name] = flat(gan.trainable_variables) - before
        assert gan.energy(float_images(3)).dtype == np.float32
    scales = []
    for optimizer in (gan.d_optimizer, gan.g_optimizer):
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        assert scaled == (policy == "mixed_float16")
        scales += [float(optimizer.dynamic_scale) / optimizer.initial_scale] if scaled else []
    error = np.linalg.norm(moves[policy] - moves["float32"]) / np.linalg.norm(moves["float32"])
    if min(scales, default=1.0) < 1.0:  # a step overflowed and was skipped
        assert 0.1 < error < 1.0
    else:
        assert error < 0.05


def flat(variables):
    return np.concatenate([keras.ops.convert_to_numpy(v).ravel() for v in variables])


@on("torch")
def test_k_in_bfloat16_follows_that_in_float32():
    found = {}
    for name in ("float32", "mixed_bfloat16"):
        keras.config.set_dtype_policy(name)
        gan = CASES[0].build(gamma=0.7, lambda_k=0.01)
        gan.fit(float_images(160), batch_size=16, epochs=5, shuffle=False, verbose=0)
        found[name] = float(gan.k_t)
    keras.config.set_dtype_policy("float32")
    assert 0.01 < found["float32"] < 1.0
    assert found["mixed_bfloat16"] == pytest.approx(found["float32"], rel=0.01)


@on("tensorflow")  # only TensorFlow refuses to mix float32 and float64
@pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning")
@pytest.mark.parametrize("case", [*CASES[:5], CONDITIONAL[-1]], ids=lambda case: case.name)
def test_networks_may_compute_in_float64(case):
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        gan = case.build(**EAGERLY)
        images = float_images(16)
        history = gan.fit(given(gan, images), batch_size=8, verbose=0).history
        energies = gan.energy(images, labels=labels_for(gan, images))
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")
    assert energies.dtype == np.float32
    assert all(np.isfinite(values).all() for values in history.values())
