/** @file Gated recurrent unit. */
import { gruCell } from "./cells.js";
import { gateFields, recurrentLayer } from "./layer.js";

export const gru = recurrentLayer({
  type: "gru",
  summary:
    "Reads a sequence step by step, with two gates and no memory beside its output (Cho et al. 2014). Kernels hold the gates reset, update, candidate in this order, as PyTorch does (Keras: update first); the reset gate comes behind the product and there are two biases, as in PyTorch and Keras 2.",
  cell: gruCell,
  fields: gateFields,
  shapes: "[n, steps, inputs] → [n, units], [n, steps, units] or the state [n, units]",
  example: "gru: { units: 64, bidirectional: true }",
});
