"""Hand-written training loops for the same Keras networks, one per backend.

Each makes alternating updates with Adam, as an expert of the backend would write them. Each returns
a function that trains on a batch and returns the mean energies of data and fakes. The losses are
those of `LOSSES`, in the backend's own functions.
"""

from typing import NamedTuple

import keras

RATE, GAMMA, LAMBDA_K, MARGIN = 1e-4, 0.5, 0.001, 20.0


class Maths(NamedTuple):
    """The functions of a backend that the losses use."""

    mean: object
    abs: object
    norm: object
    relu: object


class Losses(NamedTuple):
    """A GAN's losses: of one sample's energy, and of the two batches' energies."""

    energy: object
    discriminator: object
    generator: object


def _began(m):
    return Losses(
        lambda x, output: m.mean(m.abs(x - output)),
        lambda real, fake, k: real - k * fake,
        lambda fake: fake,
    )


def _ebgan(m):
    return Losses(
        lambda x, output: m.norm(x - output),
        lambda real, fake, k: m.mean(real) + m.mean(m.relu(MARGIN - fake)),
        m.mean,
    )


def _least_squares(m):
    return Losses(
        lambda x, output: output,
        lambda real, fake, k: 0.5 * m.mean((real - 1.0) ** 2) + 0.5 * m.mean(fake**2),
        lambda fake: 0.5 * m.mean((fake - 1.0) ** 2),
    )


LOSSES = {"began": _began, "ebgan": _ebgan, "least_squares": _least_squares}


def torch_loop(generator, discriminator, gan, batch_size, compiled):
    import torch

    losses = LOSSES[gan](
        Maths(
            torch.mean,
            torch.abs,
            lambda x: x.flatten(1).norm(dim=1),
            torch.relu,
        )
    )
    d_optimizer = torch.optim.Adam(discriminator.parameters(), RATE)
    g_optimizer = torch.optim.Adam(generator.parameters(), RATE)
    g_parameters = [p for p in generator.parameters() if p.requires_grad]
    device = next(generator.parameters()).device
    k_t = torch.zeros((), device=device)
    latent_dim = generator.input_shape[-1]

    def energy(x):
        return losses.energy(x, discriminator(x, training=True))

    def latents():
        return 2 * torch.rand(batch_size, latent_dim, device=device) - 1

    def step(x):
        with torch.no_grad():
            fake = generator(latents(), training=True)
        real_energy = energy(x)
        loss = losses.discriminator(real_energy, energy(fake), k_t)
        d_optimizer.zero_grad()
        loss.backward()
        d_optimizer.step()
        fake_energy = energy(generator(latents(), training=True))
        grads = torch.autograd.grad(losses.generator(fake_energy), g_parameters)
        for parameter, grad in zip(g_parameters, grads, strict=True):
            parameter.grad = grad
        g_optimizer.step()
        with torch.no_grad():
            real_energy, fake_energy = real_energy.mean(), fake_energy.mean()
            k_t.add_(LAMBDA_K * (GAMMA * real_energy - fake_energy)).clamp_(0, 1)
        return real_energy, fake_energy

    step = torch.compile(step) if compiled else step
    return lambda batch: step(torch.as_tensor(batch, device=device))


def jax_loop(generator, discriminator, gan, batch_size, compiled):
    import jax
    import jax.numpy as jnp

    losses = LOSSES[gan](
        Maths(
            jnp.mean,
            jnp.abs,
            lambda x: jnp.sqrt(jnp.sum(x * x, axis=tuple(range(1, x.ndim)))),
            jax.nn.relu,
        )
    )
    latent_dim = generator.input_shape[-1]

    def values(variables):
        return [variable.value for variable in variables]

    def generate(g, others, z):
        return generator.stateless_call(g, others, z, training=True)

    def energy(d, others, x):
        output, others = discriminator.stateless_call(d, others, x, training=True)
        return losses.energy(x, output), others

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
        d, d_others, g, g_others, d_moments, g_moments, k_t, key, t = state
        key, key_d, key_g = jax.random.split(key, 3)
        z_d, z_g = (
            jax.random.uniform(key, (batch_size, latent_dim), minval=-1.0) for key in (key_d, key_g)
        )
        fake, g_others = generate(g, g_others, z_d)

        def d_loss(d):
            real_energy, others = energy(d, d_others, x)
            fake_energy, others = energy(d, others, fake)
            loss = losses.discriminator(real_energy, fake_energy, k_t)
            return jnp.mean(loss), (jnp.mean(real_energy), others)

        grads, (real_energy, d_others) = jax.grad(d_loss, has_aux=True)(d)
        d, d_moments = adam(d, grads, d_moments, t)

        def g_loss(g):
            fake, others = generate(g, g_others, z_g)
            fake_energy, d_after = energy(d, d_others, fake)
            return losses.generator(fake_energy), (jnp.mean(fake_energy), others, d_after)

        grads, (fake_energy, g_others, d_others) = jax.grad(g_loss, has_aux=True)(g)
        g, g_moments = adam(g, grads, g_moments, t)
        k_t = jnp.clip(k_t + LAMBDA_K * (GAMMA * real_energy - fake_energy), 0, 1)
        state = d, d_others, g, g_others, d_moments, g_moments, k_t, key, t + 1
        return state, (real_energy, fake_energy)

    step = jax.jit(step, donate_argnums=0)
    d, g = values(discriminator.trainable_variables), values(generator.trainable_variables)
    moments = [
        ([jnp.zeros_like(v) for v in side], [jnp.zeros_like(v) for v in side]) for side in (d, g)
    ]
    others = [values(network.non_trainable_variables) for network in (discriminator, generator)]
    state = (d, others[0], g, others[1], *moments, jnp.zeros(()), jax.random.key(0), jnp.ones(()))

    def stateful(batch):
        nonlocal state
        state, figures = step(state, batch)
        return figures

    return stateful


def tensorflow_loop(generator, discriminator, gan, batch_size, compiled):
    import tensorflow as tf

    losses = LOSSES[gan](
        Maths(
            tf.reduce_mean,
            tf.abs,
            lambda x: tf.sqrt(tf.reduce_sum(x * x, axis=list(range(1, len(x.shape))))),
            tf.nn.relu,
        )
    )
    d_optimizer, g_optimizer = keras.optimizers.Adam(RATE), keras.optimizers.Adam(RATE)
    d_optimizer.build(discriminator.trainable_variables)
    g_optimizer.build(generator.trainable_variables)
    k_t = tf.Variable(0.0)
    latent_dim = generator.input_shape[-1]

    def energy(x):
        return losses.energy(x, discriminator(x, training=True))

    def latents():
        return tf.random.uniform((batch_size, latent_dim), -1.0, 1.0)

    @tf.function(jit_compile=compiled)
    def step(x):
        fake = generator(latents(), training=True)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            weights = [v.value for v in discriminator.trainable_variables]
            tape.watch(weights)
            real_energy = energy(x)
            loss = losses.discriminator(real_energy, energy(fake), k_t)
        d_optimizer.apply(tape.gradient(loss, weights), discriminator.trainable_variables)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            weights = [v.value for v in generator.trainable_variables]
            tape.watch(weights)
            fake_energy = energy(generator(latents(), training=True))
            loss = losses.generator(fake_energy)
        g_optimizer.apply(tape.gradient(loss, weights), generator.trainable_variables)
        real_energy, fake_energy = tf.reduce_mean(real_energy), tf.reduce_mean(fake_energy)
        balance = GAMMA * real_energy - fake_energy
        k_t.assign(tf.clip_by_value(k_t + LAMBDA_K * balance, 0.0, 1.0))
        return real_energy, fake_energy

    return lambda batch: step(tf.convert_to_tensor(batch))


LOOPS = {"torch": torch_loop, "jax": jax_loop, "tensorflow": tensorflow_loop}
