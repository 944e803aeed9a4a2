/** @file Scores for what a sequence says next, or for classes. */
import { defineLayer } from "../define-layer.js";
import { field } from "../fields.js";
import { initOf } from "../init.js";
import { kernelFields, lastSize } from "../shared.js";

export const logits = defineLayer({
  type: "logits",
  summary:
    "A score for every token of a text, every class of a category or every id that a layer gives: a dense layer as wide as it takes. cross_entropy reads the scores as they are.",
  inputs: "one",
  primary: "of",
  fields: {
    of: field<string>(
      { type: "string", minLength: 1, maxLength: 200 },
      "The feature, target or layer whose tokens, classes or ids get scores.",
      undefined,
    ),
    ...kernelFields,
  },
  namesIds: "of",
  padding: "passes",
  shapes: "[n, …, inputs] → [n, …, tokens or classes]",
  example: "logits: translation",

  lower({ b, x, fields, weight, classesOf, reject }) {
    const { of, l1, l2 } = fields;
    const units =
      classesOf(of) ??
      reject(`gives a score per class or token, but '${of}' has neither: use dense`, "of");
    const inputs = lastSize(x, reject);
    const init = initOf(fields.kernel_initializer, inputs, units);
    const kernel = weight("kernel", [inputs, units], init, { decay: true, l1, l2 });
    const options = { transposeA: false, transposeB: false, activation: "none" } as const;
    const scores = b.matmul(x, kernel, options);
    if (!fields.bias) return scores;
    return b.add(scores, weight("bias", [units], initOf(fields.bias_initializer, inputs, units)));
  },
});
