/** @file Fully connected layer. */
import { activate, activationField } from "../activation/activations.js";
import { defineLayer } from "../define-layer.js";
import { positiveInteger } from "../fields.js";
import { initOf } from "../init.js";
import { kernelFields, lastSize } from "../shared.js";

export const dense = defineLayer({
  type: "dense",
  summary: "Every output is a weighted sum of all inputs on the last axis, plus a bias.",
  inputs: "one",
  primary: "units",
  fields: {
    units: positiveInteger("Number of outputs."),
    activation: activationField("Applied to the result."),
    ...kernelFields,
  },
  padding: "passes",
  shapes: "[n, …, inputs] → [n, …, units]",
  example: "dense: { units: 64, activation: relu }",

  lower({ b, x, fields, weight, reject }) {
    const { units, l1, l2 } = fields;
    const inputs = lastSize(x, reject);
    const init = initOf(fields.kernel_initializer, inputs, units);
    const kernel = weight("kernel", [inputs, units], init, { decay: true, l1, l2 });
    const product = b.matmul(x, kernel, {
      transposeA: false,
      transposeB: false,
      activation: "none",
    });
    if (!fields.bias) return activate(b, fields.activation, product);
    const bias = weight("bias", [units], initOf(fields.bias_initializer, inputs, units));
    return activate(b, fields.activation, b.add(product, bias));
  },
});
