"""TensorFlow's graph of a step, after TensorFlow's optimizations."""

import keras
import numpy as np
import pytest

from tests.registry import CASES, CONDITIONAL, given, uint8_images

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the graphs are TensorFlow's"
)

READ = "ReadVariableOp"
WRITES = "AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"


def optimized(function, arguments, folder):
    """Return the nodes of a function's largest executed graph: each name with its operation."""
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        tf.summary.trace_on(graph=True, profiler=False)
        function(arguments)
        tf.summary.trace_export("step", step=0)
    writer.close()
    (path,) = folder.iterdir()
    for record in tf.data.TFRecordDataset(str(path)):
        for value in tf.compat.v1.Event.FromString(record.numpy()).summary.value:
            metadata = tf.compat.v1.RunMetadata.FromString(value.tensor.string_val[0])
    graphs = [graph.post_optimization_graph.node for graph in metadata.function_graphs]
    return {node.name: node for node in max(graphs, key=len)}


def unordered(nodes):
    """Return writes of variables, each with another use of its variable that may come first."""
    before = {}

    def ancestors(name):
        if name not in before:
            before[name], left = set(), [name]
            while left:
                for given in nodes[left.pop()].input:
                    found = given.lstrip("^").partition(":")[0]
                    if found not in before[name]:
                        before[name].add(found)
                        left.append(found)
        return before[name]

    uses = {}
    for node in nodes.values():
        if node.op in (READ, *WRITES):
            uses.setdefault(node.input[0], []).append(node)
    return [
        (write.name, use.name)
        for of_one in uses.values()
        for write in of_one
        for use in of_one
        if write.op in WRITES and use is not write
        if use.name not in ancestors(write.name) and write.name not in ancestors(use.name)
    ]


@pytest.mark.parametrize(
    ("case", "size"),
    [(case, None) for case in CASES + CONDITIONAL[-1:]] + [(CASES[0], 16)],
    ids=lambda value: getattr(value, "name", f"size_{value}"),
)
def test_weights_are_read_before_they_are_updated(case, size, tmp_path):
    """TensorFlow drops a control dependency that it finds elsewhere, and then the other one too."""
    gan = case.build(generator_average=0.9)
    gan.fit_state.phase = gan.present_phase()
    batch = given(gan, uint8_images(16))
    batch = tuple(map(np.asarray, batch)) if isinstance(batch, tuple) else (batch,)
    specs = tuple(tf.TensorSpec((size, *array.shape[1:]), array.dtype) for array in batch)
    step = tf.function(gan.train_step, input_signature=[specs], autograph=False)
    nodes = optimized(step, tuple(map(tf.constant, batch)), tmp_path)
    assert sum(node.op in WRITES for node in nodes.values()) > 8
    assert unordered(nodes) == []
