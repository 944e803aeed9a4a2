/** @file Embedding: one trained vector per index. */
import { count } from "../../diagnostics/count.js";
import { defineLayer } from "../define-layer.js";
import { initializer, number, optional, positiveInteger } from "../fields.js";
import { initOf } from "../init.js";

export const embedding = defineLayer({
  type: "embedding",
  summary:
    "Looks up a trained vector for every index: a token of a text, a category feature with `encode: index`, an id that a layer gives, or whole numbers in a vector.",
  inputs: "one",
  primary: "size",
  fields: {
    size: positiveInteger("Length of each vector."),
    vocabulary: optional(
      positiveInteger(
        "Number of different indices; by default the number of tokens, classes or ids of what it reads.",
      ),
    ),
    initializer: initializer("How the vectors start.", "uniform"),
    l1: number("Penalty on the absolute values: l1·Σ|w|.", { minimum: 0 }, 0),
    l2: number("Penalty on the squares: l2·Σw².", { minimum: 0 }, 0),
  },
  padding: "passes",
  shapes: "[n, …] → [n, …, size]",
  example: "embedding: { size: 16, vocabulary: 1000 }",
  accepts: ["i32", "f32"],
  implied: (_fields, shapeOf) => ({ vocabulary: shapeOf("table")?.[0] ?? null }),

  lower({ b, x, fields, classes, weight, reject }) {
    const vocabulary =
      fields.vocabulary ??
      classes ??
      reject(
        "needs a vocabulary, because its input is neither a text nor a category with `encode: index`, nor the ids of a layer",
        "vocabulary",
      );
    if (classes !== null && vocabulary < classes) {
      reject(
        `has a vocabulary of ${vocabulary}, but its input has ${count(classes, "class", "classes")}`,
        "vocabulary",
      );
    }
    const { size, l1, l2 } = fields;
    const table = weight(
      "table",
      [vocabulary, size],
      initOf(fields.initializer, vocabulary, size),
      {
        decay: true,
        l1,
        l2,
      },
    );
    return b.gather(table, b.cast(x, { dtype: "i32" }), { axis: 0 });
  },
});
