/** @file The `generate` section: from random numbers, or token by token. */
import { searchLimits } from "@dlc/runtime";
import { choice, integer, number, optional } from "../../layers/fields.js";
import { reference } from "./kinds.js";
import { defineShape } from "./shape.js";

const tokens = { minimum: 1, maximum: searchLimits.tokens };

export const generateShape = defineShape({
  name: "generate",
  summary:
    "New examples: adds generate() to the package. They are made from random numbers ('from' and 'network'), or token by token ('decoder').",
  primary: null,
  fields: {
    from: reference(
      "The layer that the random numbers stand for: a sample_normal or a noise layer.",
    ),
    network: reference(
      "With 'from': the network that makes examples of them; where it is used several times, the first use that reads 'from'.",
    ),
    decoder: reference(
      "The layer that scores every token: what it has said so far comes to it through 'previous'.",
    ),
    method: choice(
      "With 'decoder': greedy takes the most probable token; sample draws one; beam follows several beginnings and takes the best whole.",
      ["greedy", "sample", "beam"],
      "greedy",
    ),
    beams: integer(
      "For beam: how many beginnings are followed.",
      { minimum: 1, maximum: searchLimits.beams },
      4,
    ),
    temperature: number(
      "For sample: scores are divided by it; below 1 the probable becomes more probable.",
      { exclusiveMinimum: 0 },
      1,
    ),
    top_k: optional(integer("For sample: only the so many most probable tokens.", tokens)),
    top_p: optional(
      number("For sample: only the most probable tokens that together have this probability.", {
        exclusiveMinimum: 0,
        maximum: 1,
      }),
    ),
    max_length: optional(
      integer(
        "With 'decoder': the most tokens, prompt and end included. Default: as many as it has steps.",
        tokens,
      ),
    ),
    length_penalty: number(
      "For beam: above 0 longer sequences are preferred (the α of Wu et al. 2016).",
      { minimum: 0 },
      0,
    ),
    output: reference(
      "With a 'decoder' of codes: the layer, or the use of a network, that makes an example of them.",
    ),
    like: reference(
      "The feature or target whose units the result has: its scaling is undone. Default: what a loss compares the result with.",
    ),
  },
  example: "generate: { decoder: scores, method: beam, beams: 8, max_length: 40 }",
});
