"""The parts of a TFLite model that its weights are read from: tensors, constants and operators."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.accuracy.weights.border import Budget
from harness.system.flatbuffer import Table

# Numbers of fields and enumerators from tensorflow/lite/schema/schema.fbs.
_OPERATOR_CODES, _SUBGRAPHS, _BUFFERS, _METADATA = 1, 2, 4, 6
_METADATA_NAME, _METADATA_BUFFER = 0, 1
_OLD_CODE, _NEW_CODE = 0, 3
_TENSORS, _GRAPH_INPUTS, _OPERATORS = 0, 1, 3
_OPCODE_INDEX, _INPUTS, _OUTPUTS, _OPTIONS = 0, 1, 2, 4
SHAPE, TYPE, _BUFFER, _NAME, QUANTIZATION = 0, 1, 2, 3, 4
SCALE, ZERO_POINT, _QUANTIZED_DIMENSION = 2, 3, 6
DEQUANTIZE = 6
_DTYPES = {0: "<f4", 1: "<f2", 2: "<i4", 3: "u1", 4: "<i8", 9: "i1"}


@dataclass(frozen=True)
class Operator:
    """An operator, by its code in the schema; `options` are those of its kind."""

    code: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None


@dataclass(frozen=True)
class Model:
    """The first graph of a model; `metadata` is its TFLITE_METADATA, empty if there is none."""

    tensors: tuple[Table, ...]
    buffers: tuple[Table, ...]
    inputs: tuple[int, ...]
    operators: tuple[Operator, ...]
    budget: Budget
    metadata: bytes

    @classmethod
    def parse(cls, content: bytes) -> "Model":
        """Read a file's content; raises ValueError or another built-in error where it is damaged."""
        model = Table.root(content)
        # Old writers set the byte, new ones the wider field: the larger value is the code.
        codes = [
            max(code.scalar(_OLD_CODE, "<b"), code.scalar(_NEW_CODE, "<i"))
            for code in model.tables(_OPERATOR_CODES)
        ]
        graph = model.tables(_SUBGRAPHS)[0]
        operators = tuple(
            Operator(
                code=codes[operator.scalar(_OPCODE_INDEX, "<I")],
                inputs=operator.indices(_INPUTS),
                outputs=operator.indices(_OUTPUTS),
                options=operator.table(_OPTIONS),
            )
            for operator in graph.tables(_OPERATORS)
        )
        inputs = graph.indices(_GRAPH_INPUTS)
        return cls(
            graph.tables(_TENSORS), model.tables(_BUFFERS), inputs, operators, Budget(), _metadata(model)
        )

    def name(self, index: int) -> str:
        """A tensor's name, for messages."""
        return self.tensors[index].text(_NAME)

    def stored_index(self, index: int) -> int:
        """The tensor that holds a constant: a half-precision one is behind its DEQUANTIZE operator."""
        producer = next((op for op in self.operators if index in op.outputs), None)
        if producer is not None:
            if producer.code != DEQUANTIZE:
                raise ValueError(f"{self.name(index)} is computed, not a constant")
            return producer.inputs[0]
        return index

    def is_constant(self, index: int) -> bool:
        """Whether the file holds the tensor's numbers, maybe behind a DEQUANTIZE operator."""
        producer = next((op for op in self.operators if index in op.outputs), None)
        if producer is not None and producer.code == DEQUANTIZE:
            index = producer.inputs[0]
            producer = next((op for op in self.operators if index in op.outputs), None)
        return producer is None and index not in self.inputs

    def stored(self, index: int) -> NDArray[np.generic]:
        """A constant as it is stored."""
        tensor = self.tensors[self.stored_index(index)]
        data = self.buffers[tensor.scalar(_BUFFER, "<I")].numbers(0, "u1")
        values = np.frombuffer(data, dtype=self.number_format(index))
        # As float64, which they become: several tensors may share one buffer.
        self.budget.spend(8 * values.size)
        return values.reshape(tensor.indices(SHAPE))

    def number_format(self, index: int) -> str:
        """The type of a constant's numbers in the file, such as `uint8`."""
        kind = self.tensors[self.stored_index(index)].scalar(TYPE, "<b")
        if kind not in _DTYPES:
            raise ValueError(f"{self.name(index)} holds numbers of type {kind}, which are not read")
        return np.dtype(_DTYPES[kind]).name

    def real(self, index: int) -> NDArray[np.float32]:
        """A constant as float32: scale * (stored - zero point), for each channel where it has several."""
        values = self.stored(index).astype(np.float64)
        quantization = self.tensors[self.stored_index(index)].table(QUANTIZATION)
        scale = quantization.numbers(SCALE, "<f4").astype(np.float64) if quantization else np.empty(0)
        if quantization is not None and scale.size:
            zero_point = quantization.numbers(ZERO_POINT, "<i8").astype(np.float64)
            if zero_point.size not in (0, scale.size):
                raise ValueError(
                    f"{self.name(index)} has {zero_point.size} zero points for {scale.size} scales"
                )
            along = [1] * values.ndim
            if scale.size > 1:
                dimension = quantization.scalar(_QUANTIZED_DIMENSION, "<i")
                if not 0 <= dimension < values.ndim or values.shape[dimension] != scale.size:
                    raise ValueError(f"{self.name(index)} has {scale.size} scales")
                along[dimension] = scale.size
            if zero_point.size:
                values = values - zero_point.reshape(along)
            values = values * scale.reshape(along)
        return values.astype(np.float32)


def _metadata(model: Table) -> bytes:
    for entry in model.tables(_METADATA):
        if entry.text(_METADATA_NAME) == "TFLITE_METADATA":
            buffer = model.tables(_BUFFERS)[entry.scalar(_METADATA_BUFFER, "<I")]
            return buffer.numbers(0, "u1").tobytes()
    return b""
