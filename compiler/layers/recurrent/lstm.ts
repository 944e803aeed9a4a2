/** @file Long short-term memory. */
import { lstmCell } from "./cells.js";
import { forgetField, gateFields, recurrentLayer } from "./layer.js";

export const lstm = recurrentLayer({
  type: "lstm",
  summary:
    "Reads a sequence step by step and remembers over long distances, by gates around a memory (Hochreiter & Schmidhuber 1997). Kernels hold the gates input, forget, candidate, output in this order, as PyTorch and Keras do; PyTorch's two biases are to be added. Its state is the output and the memory, joined.",
  cell: lstmCell,
  fields: { ...gateFields, ...forgetField },
  shapes: "[n, steps, inputs] → [n, units], [n, steps, units] or the state [n, 2·units]",
  example: "lstm: { units: 64, return: sequence, dropout: 0.2 }",
});
