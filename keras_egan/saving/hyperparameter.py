"""Attributes of a GAN that may change while it trains: hyperparameters and settings."""

import math
from collections.abc import Callable
from typing import Any

from keras import ops

from keras_egan import backend, checks
from keras_egan.saving.state import add_variable


class _Attribute:
    def __init__(self, must: str, holds: Callable[[Any], Any], hint: str = ""):
        self.must = must
        self.holds = holds
        self.hint = f" {hint}" if hint else ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, gan: Any, owner: type | None = None) -> Any:
        if gan is None:
            return self
        try:
            return self._values(gan)[self.name]
        except KeyError:
            raise AttributeError(f"`{self.name}` is not set. Set it in `__init__`.") from None

    def _values(self, gan):
        return gan.__dict__

    def _refuse(self, value):
        raise ValueError(f"`{self.name}` must {self.must}; got {value!r}.{self.hint}")


class Hyperparameter(_Attribute):
    """A number in a GAN's losses, which may be set at any time.

    It behaves like a Keras optimizer's `learning_rate`. Reading it gives a float32 scalar variable.
    Assigning a number sets that variable: the next training step uses it, compiled or not, on
    every backend. `get_config` returns its current value, and so does the saved file. Give it to
    `ops.where` and `ops.clip` as `ops.convert_to_tensor(value)`: JAX refuses a variable there.

    Args:
        must: the condition in the error message, such as `"be above 0"`.
        holds: a function from a finite float to a bool: whether the value is allowed.
        hint: a further sentence for the error message.

    Raises:
        ValueError: on assignment, if the value is not a finite number, or `holds` returns false.

    Example:

    ```python
    class LinearGAN(EnergyGAN):
        weight = Hyperparameter("be 0 or more", lambda value: value >= 0)

        def __init__(self, generator, discriminator, *, weight=1.0, **kwargs):
            super().__init__(generator, discriminator, **kwargs)
            self.weight = weight

        def discriminator_loss(self, real, fake):
            return real.energy - self.weight * fake.energy


    gan.weight = 0.5  # from the next step on
    float(gan.weight)  # 0.5
    ```
    """

    def _values(self, gan):
        return hyperparameters(gan)

    def __set__(self, gan: Any, value: Any) -> None:
        try:
            number = math.nan if isinstance(value, (bool, str)) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not (math.isfinite(number) and self.holds(number)):
            self._refuse(value)
        values = hyperparameters(gan)
        if self.name in values:
            backend.synchronize(gan)
            values[self.name].assign(number)
        else:
            values[self.name] = add_variable(gan, self.name, initial=number)

    def configured(self, gan: Any) -> Any:
        """Return the present value for `get_config`."""
        return plain(getattr(gan, self.name))


class Automatic(Hyperparameter):
    """A `Hyperparameter` that a GAN may be made with as `"auto"`: its `control` then moves it.

    It is a state then, 0 at first, which files keep, and which cannot be set.
    """

    def __get__(self, gan: Any, owner: type | None = None) -> Any:
        return gan._states[self.name] if self._moves(gan) else super().__get__(gan, owner)

    def __set__(self, gan: Any, value: Any) -> None:
        if self._moves(gan):
            raise ValueError(
                f"`{self.name}` is 'auto', so that the GAN sets it; got {value!r}. To set it "
                "yourself, make the GAN with a number."
            )
        if isinstance(value, str) and value == "auto" and self.name not in hyperparameters(gan):
            gan.add_state(self.name)
        else:
            super().__set__(gan, value)

    def _moves(self, gan):
        return gan is not None and self.name in gan._states

    def configured(self, gan: Any) -> Any:
        return "auto" if self._moves(gan) else super().configured(gan)


def hyperparameters(gan: Any) -> dict[str, Any]:
    """Return the variables of a GAN's `Hyperparameter`s by name."""
    checks.begun(gan)
    return gan.__dict__["_hyperparameters"]


class Setting(_Attribute):
    """An attribute of a GAN that is a constant in a compiled step; a new value recompiles the step.

    Args:
        must: the condition in the error message, such as `"be 1 or 2"`.
        holds: a function from a value to a truth value: whether the value is allowed.

    Raises:
        ValueError: on assignment, if `holds` returns a false value.

    Example:

    ```python
    class TwoSided(EnergyGAN):
        sides = Setting("be 1 or 2", lambda value: value in (1, 2))
    ```
    """

    def __set__(self, gan: Any, value: Any) -> None:
        if not self.holds(value):
            self._refuse(value)
        gan.__dict__[self.name] = value


def plain(variable: Any) -> float:
    """Return a scalar float32 variable as the float of its shortest decimal form."""
    return float(str(ops.convert_to_numpy(variable).astype("float32")))
