"""The one place that relies on what Keras does not promise."""


def layers_of(model):
    return model._flatten_layers()


def from_within_fit(arguments):
    return bool(arguments.get("_use_cached_eval_dataset"))
