"""How long is a step of `fit()`, against a loop written by hand for the same backend?

Both train BEGAN's networks on the same batches with the same optimizer, in turn, so that a machine
whose speed drifts slows both. Run as

    KERAS_BACKEND=torch python benchmarks/step_time.py

for each backend. It prints the median time of a step of each, their ratios, and the peak memory.
"""

import argparse
import itertools
import statistics
import time

import keras
import numpy as np
from memory import peak_memory

from keras_egan import BEGAN, networks

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--image-size", type=int, default=32)
parser.add_argument("--filters", type=int, default=32)
parser.add_argument("--batch-size", type=int, default=16)
parser.add_argument("--rounds", type=int, default=8, help="turns of each loop")
parser.add_argument("--steps", type=int, default=10, help="steps in a turn")
parser.add_argument("--compiled", action="store_true", help="time the compiled loops as well")
arguments = parser.parse_args()

BACKEND = keras.backend.backend()
SHAPE = (arguments.image_size, arguments.image_size, 3)
LATENT_DIM, GAMMA, LAMBDA_K, RATE = 64, 0.5, 0.001, 1e-4
rng = np.random.default_rng(0)
count = arguments.steps * arguments.batch_size
images = rng.uniform(-1, 1, (count, *SHAPE)).astype("float32")
batches = images.reshape(arguments.steps, arguments.batch_size, *SHAPE)


def build():
    keras.utils.set_random_seed(0)
    return networks.began(image_shape=SHAPE, filters=arguments.filters, latent_dim=LATENT_DIM)


def fit(jit_compile):
    gan = BEGAN(*build(), gamma=GAMMA, lambda_k=LAMBDA_K)
    gan.compile(keras.optimizers.Adam(RATE), keras.optimizers.Adam(RATE), jit_compile=jit_compile)
    clock = Clock()

    def run():
        gan.fit(
            images, batch_size=arguments.batch_size, shuffle=False, verbose=0, callbacks=[clock]
        )
        return clock.seconds()

    return run


class Clock(keras.callbacks.Callback):
    """Notes when each step has ended; the first only starts the clock."""

    def on_train_begin(self, logs=None):
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append((float(logs["real_energy"]), time.perf_counter())[1])

    def seconds(self):
        return [end - start for start, end in itertools.pairwise(self.ends)]


def timed(step):
    """Returns a turn of a native loop, timed as `Clock` does it."""

    def run():
        ends = []
        for batch in batches:
            real_energy, _ = step(batch)
            ends.append((float(real_energy), time.perf_counter())[1])
        return [end - start for start, end in itertools.pairwise(ends)]

    return run


def torch_loop(compiled):
    import torch

    generator, discriminator = build()
    d_optimizer = torch.optim.Adam(discriminator.parameters(), RATE)
    g_optimizer = torch.optim.Adam(generator.parameters(), RATE)
    device = next(generator.parameters()).device
    k_t = torch.zeros((), device=device)

    def energy(x):
        return (x - discriminator(x, training=True)).abs().mean()

    def latents():
        return 2 * torch.rand(arguments.batch_size, LATENT_DIM, device=device) - 1

    def step(x):
        with torch.no_grad():
            fake = generator(latents(), training=True)
        real_energy = energy(x)
        loss = real_energy - k_t * energy(fake)
        d_optimizer.zero_grad()
        loss.backward()
        d_optimizer.step()
        g_parameters = list(generator.parameters())
        fake_energy = energy(generator(latents(), training=True))
        grads = torch.autograd.grad(fake_energy, g_parameters)
        for parameter, grad in zip(g_parameters, grads, strict=True):
            parameter.grad = grad
        g_optimizer.step()
        with torch.no_grad():
            balance = GAMMA * real_energy - fake_energy
            k_t.add_(LAMBDA_K * balance).clamp_(0, 1)
        return real_energy, fake_energy

    step = torch.compile(step) if compiled else step

    return timed(lambda batch: [e.detach() for e in step(torch.as_tensor(batch, device=device))])


def jax_loop(compiled):
    import jax
    import jax.numpy as jnp

    generator, discriminator = build()

    def values(model):
        return [variable.value for variable in model.trainable_variables]

    def generate(g, z):
        return generator.stateless_call(g, [], z, training=True)[0]

    def energy(d, x):
        return jnp.abs(x - discriminator.stateless_call(d, [], x, training=True)[0]).mean()

    def adam(weights, grads, moments, t):
        scale = RATE * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        first = [0.9 * m + 0.1 * g for m, g in zip(moments[0], grads, strict=True)]
        second = [0.999 * v + 0.001 * g * g for v, g in zip(moments[1], grads, strict=True)]
        moved = [
            w - scale * m / (jnp.sqrt(v) + 1e-7)
            for w, m, v in zip(weights, first, second, strict=True)
        ]
        return moved, (first, second)

    def step(state, x):
        d, g, d_moments, g_moments, k_t, key, t = state
        key, key_d, key_g = jax.random.split(key, 3)
        z_d, z_g = (
            jax.random.uniform(key, (arguments.batch_size, LATENT_DIM), minval=-1.0)
            for key in (key_d, key_g)
        )
        fake = generate(g, z_d)

        def d_loss(d):
            real_energy = energy(d, x)
            return real_energy - k_t * energy(d, fake), real_energy

        grads, real_energy = jax.grad(d_loss, has_aux=True)(d)
        d, d_moments = adam(d, grads, d_moments, t)
        fake_energy, grads = jax.value_and_grad(lambda g: energy(d, generate(g, z_g)))(g)
        g, g_moments = adam(g, grads, g_moments, t)
        k_t = jnp.clip(k_t + LAMBDA_K * (GAMMA * real_energy - fake_energy), 0, 1)
        return (d, g, d_moments, g_moments, k_t, key, t + 1), (real_energy, fake_energy)

    step = jax.jit(step, donate_argnums=0)
    d, g = values(discriminator), values(generator)
    moments = [
        ([jnp.zeros_like(v) for v in side], [jnp.zeros_like(v) for v in side]) for side in (d, g)
    ]
    state = (d, g, *moments, jnp.zeros(()), jax.random.key(0), jnp.ones(()))

    def stateful(batch):
        nonlocal state
        state, figures = step(state, batch)
        return figures

    return timed(stateful)


def tensorflow_loop(compiled):
    import tensorflow as tf

    generator, discriminator = build()
    d_optimizer, g_optimizer = keras.optimizers.Adam(RATE), keras.optimizers.Adam(RATE)
    d_optimizer.build(discriminator.trainable_variables)
    g_optimizer.build(generator.trainable_variables)
    k_t = tf.Variable(0.0)

    def energy(x):
        return tf.reduce_mean(tf.abs(x - discriminator(x, training=True)))

    def latents():
        return tf.random.uniform((arguments.batch_size, LATENT_DIM), -1.0, 1.0)

    @tf.function(jit_compile=compiled)
    def step(x):
        fake = generator(latents(), training=True)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            weights = [v.value for v in discriminator.trainable_variables]
            tape.watch(weights)
            real_energy = energy(x)
            loss = real_energy - k_t * energy(fake)
        d_optimizer.apply(tape.gradient(loss, weights), discriminator.trainable_variables)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            weights = [v.value for v in generator.trainable_variables]
            tape.watch(weights)
            fake_energy = energy(generator(latents(), training=True))
        g_optimizer.apply(tape.gradient(fake_energy, weights), generator.trainable_variables)
        balance = GAMMA * real_energy - fake_energy
        k_t.assign(tf.clip_by_value(k_t + LAMBDA_K * balance, 0.0, 1.0))
        return real_energy, fake_energy

    return timed(lambda batch: step(tf.convert_to_tensor(batch)))


native = {"torch": torch_loop, "jax": jax_loop, "tensorflow": tensorflow_loop}[BACKEND]
compiled_by_default = BACKEND == "jax"
loops = {"native": native(compiled_by_default), "fit": fit(compiled_by_default)}
if arguments.compiled and BACKEND != "jax":
    loops |= {"native, compiled": native(True), "fit, jit_compile=True": fit(True)}

peaks = {}
for name, loop in loops.items():
    before = peak_memory()
    for _ in range(2):
        loop()
    peaks[name] = peak_memory() - before
times = {name: [] for name in loops}
for _ in range(arguments.rounds):
    for name, loop in loops.items():
        times[name] += loop()

print(f"{BACKEND}, {SHAPE}, n = {arguments.filters}, batch {arguments.batch_size}")
for name, seconds in times.items():
    print(
        f"{name:24} {1e3 * statistics.median(seconds):8.1f} ms a step, "
        f"{peaks[name]:7.0f} MiB of peak memory added"
    )
pairs = list(times)
for one, other in zip(pairs[1::2], pairs[::2], strict=True):
    ratio = statistics.median(times[one]) / statistics.median(times[other])
    print(f"{one} / {other}: {ratio:.3f}")
