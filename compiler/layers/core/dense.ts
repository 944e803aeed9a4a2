/** @file Fully connected layer. */
import { activate, activationField } from "../activation/activations.js";
import { defineLayer } from "../define-layer.js";
import { flag, initializer, number, positiveInteger } from "../fields.js";
import { initOf } from "../init.js";

export const dense = defineLayer({
  type: "dense",
  summary: "Every output is a weighted sum of all inputs on the last axis, plus a bias.",
  inputs: "one",
  primary: "units",
  fields: {
    units: positiveInteger("Number of outputs."),
    activation: activationField("Applied to the result."),
    bias: flag("Add a trained bias to every output.", true),
    kernel_initializer: initializer("How the kernel starts.", "glorot_uniform"),
    bias_initializer: initializer("How the bias starts.", "zeros"),
    l1: number("Penalty on the absolute values of the kernel.", { minimum: 0 }, 0),
    l2: number("Penalty on the squares of the kernel.", { minimum: 0 }, 0),
  },
  shapes: "[n, …, inputs] → [n, …, units]",
  example: "dense: { units: 64, activation: relu }",

  lower({ b, x, fields, weight, reject }) {
    const shape = x.node.types[x.output]?.shape ?? [];
    const inputs = shape.at(-1);
    if (shape.length < 2 || typeof inputs !== "number") {
      return reject("dense needs an input of at least one axis besides the batch");
    }
    const kernel = weight(
      "kernel",
      [inputs, fields.units],
      initOf(fields.kernel_initializer, inputs, fields.units),
      { decay: true, l1: fields.l1, l2: fields.l2 },
    );
    const product = b.matmul(x, kernel, {
      transposeA: false,
      transposeB: false,
      activation: "none",
    });
    const sum = fields.bias
      ? b.add(
          product,
          weight("bias", [fields.units], initOf(fields.bias_initializer, inputs, fields.units)),
        )
      : product;
    return activate(b, fields.activation, sum);
  },
});
