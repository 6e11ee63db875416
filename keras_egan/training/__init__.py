"""One call of `fit`: the run, the step, the batch, and the state that training changes."""
