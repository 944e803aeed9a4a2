/**
 * @file The losses: what target and output each needs, its formula, and how its output is read as a
 * prediction. All compare element by element: means and sums over them are objective.ts's.
 */
import type { LossKind, LossUse } from "../1-load/resolved-spec.js";
import { sameShape } from "../ir/shape.js";
import { type Shape, shapeOf, type Value } from "../ir/types.js";
import { scalar } from "../layers/shared.js";
import type { Builder } from "../ops/define-op.js";
import type { FreeLossKind } from "./free-losses.js";
import type { Target } from "./targets.js";

/** How an output becomes a prediction: probabilities, or the value itself. */
export type Decoding = "softmax" | "sigmoid" | "none";

/** Why a loss cannot compare an output with a target. */
export type Misfit =
  | { readonly problem: "target"; readonly reason: string }
  | { readonly problem: "shape"; readonly wanted: Shape }
  /** The output should have a score for each token at each step. */
  | { readonly problem: "tokens"; readonly wanted: Shape }
  /** The output's last axis should have one element per class. */
  | { readonly problem: "classes"; readonly outputs: number; readonly classes: number };

export interface LossRule {
  /** null: they fit. */
  readonly misfit: (output: Value, target: Target) => Misfit | null;
  /** `[n, …]`, the loss of each element, given an output and a target that fit. */
  readonly build: (b: Builder, output: Value, target: Target, use: LossUse) => Value;
  readonly decoding: (output: Value, target: Target) => Decoding;
}

const wrong = (reason: string): Misfit => ({ problem: "target", reason });

/** Values must have the output's shape exactly: broadcasting would hide mistakes. */
function sameShapes(output: Value, target: Target): Misfit | null {
  if (target.kind !== "values" || sameShape(shapeOf(output), shapeOf(target.value))) return null;
  return { problem: "shape", wanted: shapeOf(target.value) };
}

/** `[n, classes]` scores. */
function scores(output: Value, classes: number): Misfit | null {
  const shape = shapeOf(output);
  const last = shape.at(-1);
  if (shape.length !== 2 || typeof last !== "number") {
    return { problem: "shape", wanted: ["n", classes] };
  }
  return last === classes ? null : { problem: "classes", outputs: last, classes };
}

/** `[n, 1]`: one score for the second of two classes. */
function singleScore(output: Value): Misfit | null {
  return sameShape(shapeOf(output), ["n", 1]) ? null : { problem: "shape", wanted: ["n", 1] };
}

const isSingle = (output: Value): boolean => sameShape(shapeOf(output), ["n", 1]);

/** The target as f32 of the output's shape; a category of two classes gives 0 and 1. */
function numbers(b: Builder, output: Value, target: Target): Value {
  if (target.kind === "values") return target.value;
  const shape = shapeOf(output);
  if (target.kind === "constant") return b.constant({ dtype: "f32", shape, value: target.value });
  return b.reshape(b.cast(target.indices, { dtype: "f32" }), { shape });
}

/** Tokens and ids are classes of which there are many: of no use to most losses. */
function needsCrossEntropy(kind: LossKind, target: Target): Misfit | null {
  if (target.kind === "category") {
    const binary = target.classes.length === 2 ? " or binary_cross_entropy" : "";
    return wrong(
      `${kind} compares numbers, but '${target.name}' is a category: use cross_entropy${binary}`,
    );
  }
  return tokensNeedCrossEntropy(kind, target);
}

function tokensNeedCrossEntropy(kind: LossKind, target: Target): Misfit | null {
  if (target.kind !== "tokens") return null;
  const what = target.spec === null ? "gives ids" : "is a text";
  return wrong(
    `${kind} compares numbers, but '${target.name}' ${what}: use cross_entropy, with \`logits: ${target.name}\` at the end of the model`,
  );
}

/** A loss of the difference between output and target, element by element. */
const ofDifference = (
  kind: LossKind,
  formula: (b: Builder, difference: Value, use: LossUse) => Value,
): LossRule => ({
  misfit: (output, target) => needsCrossEntropy(kind, target) ?? sameShapes(output, target),
  build: (b, output, target, use) => formula(b, b.sub(output, numbers(b, output, target)), use),
  decoding: () => "none",
});

const crossEntropy: LossRule = {
  misfit(output, target) {
    if (target.kind === "constant") {
      return wrong("cross_entropy needs a category or probabilities, but the target is one number");
    }
    if (target.kind === "category") return scores(output, target.classes.length);
    if (target.kind === "tokens") {
      const wanted = [...shapeOf(target.indices), target.count];
      return sameShape(shapeOf(output), wanted) ? null : { problem: "tokens", wanted };
    }
    if (target.spec.type === "number") {
      return wrong(
        `cross_entropy needs a category or probabilities, but '${target.name}' is a number: use mse`,
      );
    }
    return sameShapes(output, target);
  },
  build(b, output, target, { labelSmoothing: s }) {
    // Szegedy et al. 2016, section 7: the target is mixed with the uniform distribution.
    const depth = Number(shapeOf(output).at(-1));
    if (target.kind === "category" || target.kind === "tokens") {
      const targets = b.oneHot(target.indices, { depth, on: 1 - s + s / depth, off: s / depth });
      return b.softmaxCrossEntropy(output, targets);
    }
    const given = numbers(b, output, target);
    const targets = s === 0 ? given : b.add(b.mul(given, scalar(b, 1 - s)), scalar(b, s / depth));
    return b.softmaxCrossEntropy(output, targets);
  },
  decoding: () => "softmax",
};

const binaryCrossEntropy: LossRule = {
  misfit(output, target) {
    if (target.kind === "constant") {
      const inside = target.value >= 0 && target.value <= 1;
      return inside
        ? null
        : wrong(
            `binary_cross_entropy needs a target between 0 and 1, not ${target.value}: for other numbers use mse`,
          );
    }
    if (target.kind === "category") {
      if (target.classes.length === 2) return singleScore(output);
      return wrong(
        `binary_cross_entropy needs two classes, but '${target.name}' has ${target.classes.length}: use cross_entropy`,
      );
    }
    if (target.kind === "tokens") return tokensNeedCrossEntropy("binary_cross_entropy", target);
    const { spec, name } = target;
    const scale = "scale" in spec ? spec.scale : "none";
    if (scale === "standard" || (spec.type === "image" && scale === "none")) {
      return wrong(
        `binary_cross_entropy needs targets between 0 and 1, but '${name}' has \`scale: ${scale}\`: use \`scale: ${spec.type === "image" ? "unit" : "minmax"}\` or mse`,
      );
    }
    return sameShapes(output, target);
  },
  build(b, output, target, { labelSmoothing: s }) {
    const given = numbers(b, output, target);
    // Towards 1/2, as in Keras.
    const targets = s === 0 ? given : b.add(b.mul(given, scalar(b, 1 - s)), scalar(b, s / 2));
    return b.sigmoidCrossEntropy(output, targets);
  },
  decoding: () => "sigmoid",
};

const hinge: LossRule = {
  misfit(output, target) {
    if (target.kind === "constant") return null;
    if (target.kind === "values") return sameShapes(output, target);
    if (target.kind === "tokens") return tokensNeedCrossEntropy("hinge", target);
    if (target.classes.length === 2 && isSingle(output)) return null;
    return scores(output, target.classes.length);
  },
  build(b, output, target) {
    if (target.kind === "category" && !isSingle(output)) {
      // Crammer & Singer 2001: max(0, 1 + max over the wrong classes − the right class's score).
      // The right class itself contributes score − score = 0 to the maximum.
      const depth = target.classes.length;
      const right = b.oneHot(target.indices, { depth, on: 1, off: 0 });
      const margin = b.oneHot(target.indices, { depth, on: 0, off: 1 });
      const best = b.max(b.add(output, margin), { axes: [1], keepDims: false });
      return b.sub(best, b.sum(b.mul(output, right), { axes: [1], keepDims: false }));
    }
    const given = numbers(b, output, target);
    // Class indices 0 and 1 become −1 and 1; other targets are −1 and 1 already.
    const signs =
      target.kind === "category" ? b.sub(b.mul(given, scalar(b, 2)), scalar(b, 1)) : given;
    return b.relu(b.sub(scalar(b, 1), b.mul(signs, output)));
  },
  decoding: (output, target) => {
    if (target.kind !== "category") return "none";
    return isSingle(output) ? "sigmoid" : "softmax";
  },
};

/** Below every probability that matters; keeps log(0)·0 at 0. */
const tiny = 1e-30;

const klDivergence: LossRule = {
  misfit(output, target) {
    if (target.kind === "tokens") return tokensNeedCrossEntropy("kl_divergence", target);
    if (target.kind !== "values") {
      return wrong(
        "kl_divergence needs a target of probabilities (a vector feature); for a category use cross_entropy",
      );
    }
    if (target.spec.type === "number") {
      return wrong(
        `kl_divergence needs a target of probabilities (a vector feature), but '${target.name}' is a number`,
      );
    }
    return sameShapes(output, target);
  },
  build(b, output, target) {
    // Σ p·(log p − log q) with q = softmax(output) (Kullback & Leibler 1951).
    const p = numbers(b, output, target);
    const axis = shapeOf(output).length - 1;
    const logP = b.log(b.maximum(p, scalar(b, tiny)));
    const terms = b.mul(p, b.sub(logP, b.logSoftmax(output, { axis })));
    return b.sum(terms, { axes: [axis], keepDims: false });
  },
  decoding: () => "softmax",
};

/** Minus or plus the mean score, as the target says (Arjovsky et al. 2017). */
const wasserstein: LossRule = {
  misfit: (_output, target) =>
    target.kind === "constant"
      ? null
      : wrong(
          "wasserstein needs a number as target: 1 to make the score small, -1 to make it large",
        ),
  build: (b, output, target) => b.mul(output, numbers(b, output, target)),
  decoding: () => "none",
};

export const losses: Readonly<Record<Exclude<LossKind, FreeLossKind>, LossRule>> = {
  cross_entropy: crossEntropy,
  binary_cross_entropy: binaryCrossEntropy,
  mse: ofDifference("mse", (b, d) => b.square(d)),
  mae: ofDifference("mae", (b, d) => b.abs(d)),
  // Huber 1964: d²/2 up to delta, then delta·(|d| − delta/2).
  huber: ofDifference("huber", (b, d, { delta }) => {
    const size = b.abs(d);
    const near = b.minimum(size, scalar(b, delta));
    const parabola = b.mul(b.square(near), scalar(b, 0.5));
    return b.add(parabola, b.mul(b.sub(size, near), scalar(b, delta)));
  }),
  hinge,
  kl_divergence: klDivergence,
  wasserstein,
};
