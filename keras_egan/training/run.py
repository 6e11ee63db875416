"""One training: its position, its data, its callbacks, and the backups that it resumes from."""

import warnings
from collections.abc import Callable, Iterable
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_egan import backend, checks
from keras_egan._version import __version__
from keras_egan.backend import distributed, processes
from keras_egan.callbacks import Backup, callback_state
from keras_egan.callbacks._backup import Snapshot
from keras_egan.callbacks._terminate_on_nan import watching_all_logs
from keras_egan.datasets import Batches, Ordered
from keras_egan.datasets.loaders import is_array, length
from keras_egan.datasets.sharing import batched, checked, part, split, too_small, without_first
from keras_egan.saving.fingerprint import check_same, fingerprint
from keras_egan.saving.state import named_variables
from keras_egan.training.backup_contents import (
    are_finite,
    check_state,
    data_states,
    restore_data,
    values,
)
from keras_egan.training.interruption import Signals, Turns
from keras_egan.training.run_callbacks import RunCallbacks


class Run:
    """A call of `fit`: one history, one beginning and one end, however often it was interrupted.

    The arguments and errors are those of `fit`. The run uses a `Backup` among the callbacks.
    """

    def __init__(
        self,
        gan: Any,
        data: Any,
        callbacks: Any,
        *,
        batch_size: int | None,
        epochs: int,
        initial_epoch: int,
        steps_per_epoch: int | None,
        shuffle: bool,
        verbose: Any,
        validation_split: float,
        validation_data: Any,
        **validation: Any,
    ):
        batch_size = 32 if batch_size is None else batch_size
        checks.whole_number(1, batch_size=batch_size, epochs=epochs)
        numbers = {"steps_per_epoch": steps_per_epoch, **validation}
        if isinstance(numbers["validation_freq"], Iterable):  # the epochs after which to validate
            numbers.pop("validation_freq")
        checks.whole_number(1, **{n: value for n, value in numbers.items() if value is not None})
        distributed.check()
        distributed.unify([*named_variables(gan).values()])
        if validation_split and validation_data is None:
            data, validation_data = split(data, validation_split)
        ours = is_array(data) or isinstance(data, (keras.utils.PyDataset, list, tuple))
        self.foreign = None if ours else type(data).__name__
        data, self.kind = checked(gan, data, "x", steps_per_epoch, batch_size, gan.smallest_batch)
        size = validation["validation_batch_size"] or batch_size
        held_out = validation_data
        if validation_data is not None:
            steps = validation["validation_steps"]
            found, kind = checked(gan, validation_data, "validation_data", steps, size)
            validation_data = part(batched(found, size, shuffle=False), kind)
        gan._overfitting.hold_out(held_out)
        validation |= {"validation_data": validation_data, "validation_batch_size": size}
        self.validation = validation
        self.gan = gan
        self.fit_state = gan.fit_state
        self.epochs = epochs
        self.epoch = initial_epoch
        self.done = 0
        self.steps = steps_per_epoch
        self.shuffle = shuffle
        seed = int(ops.convert_to_numpy(gan._training_state.order_seed))
        data = batched(data, batch_size, shuffle=shuffle, seed=seed)
        if isinstance(data, Batches) and data.smallest < gan.smallest_batch:
            raise ValueError(too_small(gan, data.smallest))
        self.data = data
        self.ordered = isinstance(data, Ordered)
        self.passes: Any = getattr(data, "passes", None)
        if not getattr(self.passes, "has_state", False):
            self.passes = None
        if isinstance(data, Batches):
            self.foreign = None
        callbacks = watching_all_logs(_listed(callbacks))
        self.backup: Any = next((c for c in callbacks if isinstance(c, Backup)), None)
        self.callbacks = RunCallbacks(self, callbacks, verbose, steps_per_epoch or length(data))
        self.signals = Signals()
        self.turns = Turns(
            getattr(self.backup, "every", None),
            getattr(self.backup, "every_minutes", None),
            self.signals,
        )
        if self.passes:
            self.passes.keeping = self.backup is not None
        self.begun = 0
        self.resumed: Any = None
        self.stopped = False
        self.warned = False

    def train(self, fit: Callable) -> keras.callbacks.History:
        self.gan._training_state.continue_random_state()
        self.begun = self.gan._training_state.steps_done
        if self.backup or distributed.process_count() > 1:
            self.fingerprint = fingerprint(self.gan, self.data, self.steps)
            # Values that an interrupted `fit` set, as `Schedule` does, are not the user's.
            for name, (begun, left) in self.fit_state.interrupted.items():
                if self.fingerprint.get(name) == left:
                    self.fingerprint[name] = begun
            processes.same({**self.fingerprint, "number of batches": length(self.data)})
        with ExitStack() as held:
            held.callback(setattr, self.fit_state, "logs", {})
            if self.backup:
                check_state(self.passes)
                processes.first(lambda: held.enter_context(self.backup.reserved()))
                held.enter_context(self._noting_interruption())
                self._find()
                held.enter_context(self.signals.held())
            if self.done:  # to Keras, the rest of an epoch is a whole one
                with self.gan.optimizer.unfinished():
                    self._fit(fit, self.epoch + 1)
                self.epoch, self.stopped = self.epoch + 1, self.gan.stop_training
            self._fit(fit, self.epoch if self.stopped else self.epochs)
            self.callbacks.finish()
            if self.backup:
                processes.first(self._keep_last)
        return self.gan.history

    def begin_epoch(self) -> None:
        """Tell the data, the callbacks and the compiled step the training's position."""
        self.fit_state.step = self.gan._training_state.steps_done
        self.fit_state.epoch_start = self.fit_state.step - self.done
        if self.ordered and not self.steps:  # otherwise a pass through the data spans epochs
            self.data.begin(self.fit_state.epoch_start, self.done)
        self.gan.make_train_function()  # compiles again if a phase begins

    def restore(self) -> None:
        """Restore the state that the backup holds, except the data's position."""
        _, metadata, arrays = self.resumed
        for name, variable in named_variables(self.gan).items():
            variable.assign(arrays[f"variable/{name}"])
        callback_state.set_states(self.callbacks.callbacks, metadata["callbacks"], arrays)
        self.restore_random_state()

    def restore_random_state(self) -> None:
        arrays = self.resumed.arrays
        if "random_state" in arrays:
            states = np.atleast_2d(arrays["random_state"])
            # The backup has one state per process; there may now be more processes.
            backend.set_random_state(states[distributed.process_index() % len(states)])

    def save(self, epoch: int, done: int) -> None:
        step = self.gan._training_state.steps_done
        for callback in self.callbacks.callbacks:
            if hasattr(callback, "flush"):
                callback.flush(step)
        state = backend.random_state()
        states = None if state is None else distributed.gather(state)
        of_data = data_states(self.passes, step)
        processes.first(self._write, step, epoch, done, states, of_data)
        self.turns.written()

    def _write(self, step, epoch, done, states, of_data):
        arrays = values(self.gan)
        if not are_finite(arrays):
            if not self.warned:
                warnings.warn(
                    f"Weights are NaN or infinite after {step} steps: no backup is made. The last "
                    f"good backups stay in {self.backup.directory}.",
                    stacklevel=2,
                )
            self.warned = True
            return
        states_of_callbacks, further = callback_state.get_states(self.callbacks.callbacks)
        arrays |= further
        if states is not None:
            arrays["random_state"] = states
        arrays |= of_data
        position = {"epoch": epoch, "done": done, "step": step}
        position["stopped"] = bool(not done and self.gan.stop_training)
        position["ended"] = position["stopped"] or epoch == self.epochs
        position["begun"] = self.begun
        metadata = {**position, "callbacks": states_of_callbacks, "training": self.fingerprint}
        self.backup.write({**metadata, "keras_egan_version": __version__}, arrays)

    @contextmanager
    def _noting_interruption(self):
        """Note the values that callbacks set until an interruption, for the GAN's next `fit`."""
        try:
            yield
        except BaseException:
            with suppress(Exception):  # a failed training may leave no values to read
                left = fingerprint(self.gan, self.data, self.steps)
                begun = self.fingerprint.items()
                self.fit_state.interrupted = {name: (v, left.get(name)) for name, v in begun}
            raise
        self.fit_state.interrupted = {}

    def _find(self):
        metadata = processes.first(self._newest)
        if not metadata:
            return
        found = self.resumed or Snapshot(self.backup.directory, metadata, {})
        self.resumed = found._replace(arrays=processes.first_arrays(found.arrays))
        self.epoch, self.done = metadata["epoch"], metadata["done"]
        self.stopped, self.begun = metadata["stopped"], metadata.get("begun", 0)
        self.restore()
        if self.stopped or self.epoch == self.epochs:
            remedy = "Delete the folder to train anew."
            if not self.stopped:
                remedy = "Pass more `epochs` to go on, or delete the folder to train anew."
            processes.say(
                f"This training has ended, after step {metadata['step']}: its state is that of "
                f"{found.path}. {remedy}"
            )
        else:
            processes.say(
                f"Resumed from {found.path}: epoch {self.epoch + 1}, step {metadata['step']}."
            )
        restored = restore_data(self.passes, metadata["step"], self.resumed.arrays)
        if self.foreign and not restored:
            warnings.warn(
                f"The order of a {self.foreign} cannot be restored: training resumes with its "
                f"batch {self.done}, which may not be the batch that was due. `datasets.load` "
                "gives batches whose order is restored.",
                stacklevel=2,
            )

    def _newest(self):
        self.resumed = self.backup.newest()
        if not self.resumed:
            return None
        metadata = self.resumed.metadata
        if metadata.get("ended") and metadata["begun"] != self.begun:
            # The GAN was trained since: this is a further `fit`, and not the same one again.
            processes.say(
                f"The GAN has been trained for {self.begun} steps, and trains further. The backup "
                f"in {self.backup.directory}, of a training that ended after step "
                f"{metadata['step']}, is deleted."
            )
            self.backup.clear()
            self.resumed = None
            return None
        check_same(metadata["training"], self.fingerprint, self.backup.directory)
        if metadata["epoch"] + bool(metadata["done"]) > self.epochs:
            raise ValueError(
                f"`epochs` is {self.epochs}, but the backup in {self.backup.directory} is of epoch "
                f"{metadata['epoch'] + 1}. Pass at least as many `epochs` as before, or delete the "
                "backup."
            )
        return metadata

    def _fit(self, fit, epochs):
        data, steps = self.data, self.steps
        if self.done:
            steps = steps and steps - self.done
            if not self.ordered:
                data, steps = without_first(data, self.done, steps)
        if self.ordered:
            first = self.gan._training_state.steps_done - self.done
            self.data.begin(first, self.done, endless=bool(self.steps))
        # Keras shuffles by default, and warns if it cannot.
        shuffle = self.shuffle and isinstance(data, keras.utils.PyDataset) and not self.ordered
        with distributed.feeding(self.kind):
            fit(
                part(data, self.kind),
                epochs=epochs,
                initial_epoch=self.epoch,
                steps_per_epoch=steps,
                callbacks=self.callbacks,
                shuffle=shuffle,
                **self.validation,
            )

    def _keep_last(self):
        if are_finite(values(self.gan)):
            self.backup.clear(kept=1)
        elif not self.warned:
            warnings.warn(
                "Training ended with weights that are NaN or infinite. The last good backups stay "
                f"in {self.backup.directory}.",
                stacklevel=3,
            )


def _listed(callbacks):
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks.callbacks
    if isinstance(callbacks, keras.callbacks.Callback):
        return [callbacks]
    return list(callbacks or ())
