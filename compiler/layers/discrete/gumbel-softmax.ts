/**
 * @file A choice with a way back for gradients: the Gumbel-softmax or concrete distribution (Jang et al.
 * 2017; Maddison et al. 2017).
 */
import { shapeOf, type Value } from "../../ir/types.js";
import type { Builder } from "../../ops/define-op.js";
import { defineLayer } from "../define-layer.js";
import { type Field, field, flag } from "../fields.js";
import { lastSize, scalar } from "../shared.js";

/** One temperature, or a way from one to another over so many updates. */
type Temperature = number | { readonly from: number; readonly to: number; readonly steps: number };

const positive = { type: "number", exclusiveMinimum: 0 } as const;

const temperatureField: Field<Temperature> = field<Temperature>(
  {
    anyOf: [
      positive,
      {
        type: "object",
        properties: {
          from: { ...positive, description: "At the first update.", examples: [1] },
          to: { ...positive, description: "At the last of them, and afterwards.", examples: [0.1] },
          steps: {
            type: "integer",
            minimum: 1,
            description: "Updates between the two.",
            examples: [2000],
          },
        },
        required: ["from", "to", "steps"],
        additionalProperties: false,
      },
    ],
    examples: [0.5, { from: 1, to: 0.5, steps: 2000 }],
  },
  "How even the shares are: near 0 one class takes everything, and gradients vary more. { from, to, steps } changes it by the same factor with every update of the phase.",
  1,
);

/** `from`·(`to`/`from`)^(updates done / `steps`), then `to`; f32 scalar. */
function temperatureOf(b: Builder, temperature: Temperature, step: () => Value): Value {
  if (typeof temperature === "number") return scalar(b, temperature);
  const { from, to, steps } = temperature;
  const done = b.sub(step(), scalar(b, 1));
  const share = b.minimum(b.mul(done, scalar(b, 1 / steps)), scalar(b, 1));
  return b.mul(b.exp(b.mul(share, scalar(b, Math.log(to / from)))), scalar(b, from));
}

/**
 * Uniform numbers are multiples of 2⁻²⁴: half of that stands for what lies between 0 and the first, so
 * that no logarithm is infinite.
 */
const halfStep = 2 ** -25;

export const gumbelSoftmax = defineLayer({
  type: "gumbel_softmax",
  summary:
    "Chooses one of the classes on the last axis, whose scores (logits) it reads. While training it draws: shares softmax((scores + g) / temperature) with Gumbel numbers g, through which gradients pass. Afterwards it gives 1 to the most probable class and 0 to the others.",
  inputs: "one",
  primary: "temperature",
  fields: {
    temperature: temperatureField,
    hard: flag(
      "While training, too, give 1 to the class that was drawn and 0 to the others; gradients are those of the shares (straight-through).",
      false,
    ),
  },
  padding: "passes",
  shapes: "[n, …, classes] → [n, …, classes]",
  example: "gumbel_softmax: { temperature: 1, hard: true }",

  lower({ b, x, fields: { temperature, hard }, training, random, step, reject }) {
    const classes = lastSize(x, reject);
    const axis = shapeOf(x).length - 1;
    const choiceOf = (scores: Value): Value =>
      b.oneHot(b.argMax(scores, { axis }), { depth: classes, on: 1, off: 0 });
    if (!training) return choiceOf(x);
    // g = −log(−log(u)) with u = 1 − v: the inner logarithm is exact for small v.
    const waiting = b.neg(b.log(b.sub(scalar(b, 1), random(shapeOf(x)))));
    const gumbel = b.neg(b.log(b.add(waiting, scalar(b, halfStep))));
    const noisy = b.add(x, gumbel);
    const shares = b.softmax(b.div(noisy, temperatureOf(b, temperature, step)), { axis });
    if (!hard) return shares;
    // The choice with the gradient of the shares: what is added to them is constant.
    return b.add(shares, b.stopGradient(b.sub(choiceOf(noisy), shares)));
  },
});
