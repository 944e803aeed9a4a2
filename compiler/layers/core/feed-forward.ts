/** @file Two dense layers that keep the input's size, as in transformers (Vaswani et al. 2017, section 3.3). */
import { activate, activationNames } from "../activation/activations.js";
import { defineLayer } from "../define-layer.js";
import { choice, field, number } from "../fields.js";
import { initOf } from "../init.js";
import { kernelFields, lastSize } from "../shared.js";
import { drop } from "./dropout.js";

export const feedForward = defineLayer({
  type: "feed_forward",
  summary:
    "A wider hidden layer and back to the size of the input, for every step by itself: the second half of a transformer block.",
  inputs: "one",
  primary: "hidden",
  fields: {
    hidden: field<number | "auto">(
      { anyOf: [{ enum: ["auto"] }, { type: "integer", minimum: 1 }] },
      "Number of hidden values; auto: four times the size of the input.",
      "auto",
    ),
    activation: choice("Of the hidden values.", activationNames, "gelu"),
    dropout: number(
      "Share of the hidden values that is dropped while training.",
      { minimum: 0, exclusiveMaximum: 1 },
      0,
    ),
    ...kernelFields,
  },
  padding: "passes",
  shapes: "[n, …, size] → [n, …, size]",
  example: "feed_forward: { hidden: 64, activation: gelu }",

  lower({ b, x, fields, weight, training, random, reject }) {
    const size = lastSize(x, reject);
    const hidden = fields.hidden === "auto" ? 4 * size : fields.hidden;
    const { l1, l2 } = fields;
    const project = (y: typeof x, name: string, inputs: number, outputs: number): typeof x => {
      const init = initOf(fields.kernel_initializer, inputs, outputs);
      const kernel = weight(`${name}kernel`, [inputs, outputs], init, { decay: true, l1, l2 });
      const product = b.matmul(y, kernel, {
        transposeA: false,
        transposeB: false,
        activation: "none",
      });
      if (!fields.bias) return product;
      const bias = weight(
        `${name}bias`,
        [outputs],
        initOf(fields.bias_initializer, inputs, outputs),
      );
      return b.add(product, bias);
    };
    const inner = activate(b, fields.activation, project(x, "hidden_", size, hidden));
    const kept = training ? drop(b, inner, fields.dropout, random) : inner;
    return project(kept, "output_", hidden, size);
  },
});
