"""Half precision: networks compute in it; energies, losses and controllers do not."""

import keras
import numpy as np
import pytest

from tests.registry import CASES, EAGERLY, float_images


@pytest.fixture(params=["mixed_bfloat16", "mixed_float16"])
def policy(request):
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy("float32")


@pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_gan_trains(case, policy):
    gan = case.build(**(EAGERLY if policy == "mixed_bfloat16" else {}))
    assert gan.generator.compute_dtype == policy.removeprefix("mixed_")
    history = gan.fit(float_images(48), batch_size=16, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert gan.energy(float_images(3)).dtype == np.float32
    for variable in gan.trainable_variables:
        assert variable.dtype == "float32"
    for optimizer in (gan.d_optimizer, gan.g_optimizer):
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        assert scaled == (policy == "mixed_float16")


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
