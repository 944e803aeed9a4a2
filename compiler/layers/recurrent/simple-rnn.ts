/** @file The plain recurrent layer. */
import { simpleCell } from "./cells.js";
import { recurrentLayer } from "./layer.js";

export const simpleRnn = recurrentLayer({
  type: "simple_rnn",
  summary:
    "Reads a sequence step by step, h ← tanh(x·W + b + h·U) (Elman 1990). Forgets soon: lstm and gru remember longer.",
  cell: simpleCell,
  fields: {},
  shapes: "[n, steps, inputs] → [n, units], [n, steps, units] or the state",
  example: "simple_rnn: { units: 32, return: sequence }",
});
