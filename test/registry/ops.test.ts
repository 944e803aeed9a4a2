/** @file What every op of the table must satisfy, for each of its samples. */
import { random } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { backward, MissingGradient } from "../../compiler/3-differentiate/backward.js";
import { evaluateValues } from "../../compiler/ir/evaluate.js";
import { concreteShape } from "../../compiler/ir/shape.js";
import { shapeOf, typeOf, type Value } from "../../compiler/ir/types.js";
import type { AnyOpDef, Inputs, ReferenceTensor } from "../../compiler/ops/define-op.js";
import { opKinds, ops } from "../../compiler/ops/index.js";
import { centralDifferences, worstDifference } from "../support/numeric.js";
import {
  allSamples,
  buildSample,
  draw,
  drawInputs,
  evaluateAt,
  type SampleCase,
  sampleBatch,
  samplesOf,
} from "../support/op-samples.js";

type Tensors = Record<string, ReferenceTensor>;
const exact = { relative: 1e-9, absolute: 1e-11 };
const sloped = { relative: 1e-6, absolute: 1e-7 };

const isFloat = (value: Value): boolean => typeOf(value).dtype === "f32";
const definitionOf = (kind: (typeof opKinds)[number]): AnyOpDef => ops[kind];

/** Σ weights · outputs over all f32 outputs: a scalar in which every output matters. */
function weighted(scalarCase: SampleCase) {
  const graph = buildSample(scalarCase);
  const { b } = graph;
  const weights: Tensors = {};
  const terms = graph.outputs.filter(isFloat).map((output, i) => {
    const name = `weights ${i}`;
    weights[name] = draw({ shape: shapeOf(output) }, random.keyOf(`${scalarCase.title} ${name}`));
    return b.mul(output, b.input(name, "batch", "f32", shapeOf(output)));
  });
  return { ...graph, loss: addUp(b, terms), values: { ...drawInputs(scalarCase), ...weights } };
}

function addUp(b: ReturnType<typeof buildSample>["b"], terms: readonly Value[]): Value {
  const sums = terms.map((x) => b.sum(x, { axes: shapeOf(x).map((_, i) => i), keepDims: false }));
  return sums.reduce((sum, term) => b.add(sum, term));
}

const lossOf =
  (loss: Value) =>
  (values: Tensors): number =>
    evaluateAt([loss], values)[0]!.data[0]!;

/** The inputs whose gradient a sample is to check: f32 and not fixed. */
const free = ({ inputs }: SampleCase): readonly number[] =>
  inputs.flatMap(({ sample }, i) =>
    (sample.dtype ?? "f32") === "f32" && !sample.fixed ? [i] : [],
  );

const differentiable = (scalarCase: SampleCase): boolean =>
  free(scalarCase).length > 0 && buildSample(scalarCase).outputs.some(isFloat);

describe.each(opKinds)("%s", (kind) => {
  const definition = definitionOf(kind);

  it("is listed under its own name and says in a sentence what it does", () => {
    expect(definition.kind).toBe(kind);
    expect(definition.summary).toMatch(/\S.*\.$/s);
  });

  it("has samples with as many inputs as it takes", () => {
    expect(definition.samples.length).toBeGreaterThan(0);
    for (const { inputs, optional } of definition.samples) {
      if (definition.variadic) expect(inputs.length).toBeGreaterThan(0);
      else expect(inputs).toHaveLength(definition.inputs.length);
      expect(definition.optional ?? []).toEqual(
        expect.arrayContaining(Object.keys(optional ?? {})),
      );
    }
    const tried = definition.samples.flatMap(({ optional }) => Object.keys(optional ?? {}));
    expect(tried).toEqual(expect.arrayContaining([...(definition.optional ?? [])]));
  });

  it("evaluates to the shape and dtype that it infers", () => {
    for (const scalarCase of samplesOf(kind)) {
      const { outputs } = buildSample(scalarCase);
      const tensors = evaluateAt(outputs, drawInputs(scalarCase));
      for (const [i, output] of outputs.entries()) {
        const { dtype, shape } = typeOf(output);
        const tensor = tensors[i]!;
        expect(`${tensor.dtype}[${tensor.shape}]`, scalarCase.title).toBe(
          `${dtype}[${concreteShape(shape, sampleBatch)}]`,
        );
        expect(tensor.data.every(Number.isFinite), `${scalarCase.title} is finite`).toBe(true);
      }
    }
  });

  if (definition.expand !== undefined) {
    const expand = definition.expand;
    it("equals its expansion into simpler ops", () => {
      for (const scalarCase of samplesOf(kind)) {
        const { b, inputs, outputs } = buildSample(scalarCase);
        const { sample, optional, title } = scalarCase;
        const expanded = expand(
          b,
          inputs as unknown as Inputs<Value>,
          sample.attrs ?? {},
          optional,
        );
        expect(expanded.map(typeOf), title).toEqual(outputs.map(typeOf));
        const values = drawInputs(scalarCase);
        const actual = evaluateAt(expanded, values);
        for (const [i, expected] of evaluateAt(outputs, values).entries()) {
          const problem = worstDifference(actual[i]!, expected, exact);
          expect(problem, `${title}, expanded output ${i}`).toBeNull();
        }
      }
    });
  }

  const cases = samplesOf(kind).filter(differentiable);
  if ("backward" in definition.gradient) {
    it("has a gradient that agrees with central differences", () => {
      let exercised = false;
      for (const scalarCase of cases) {
        const { b, inputs, loss, values } = weighted(scalarCase);
        const positions = free(scalarCase);
        const gradients = backward(
          b,
          loss,
          positions.map((i) => inputs[i]!),
        );
        for (const [k, position] of positions.entries()) {
          const { name } = scalarCase.inputs[position]!;
          const numeric = centralDifferences(lossOf(loss), values, name);
          const gradient = gradients[k] ?? null;
          const analytic =
            gradient === null
              ? { ...numeric, data: numeric.data.map(() => 0) }
              : evaluateAt([gradient], values)[0]!;
          const problem = worstDifference(analytic, numeric, sloped);
          expect(problem, `${scalarCase.title}, gradient of '${name}'`).toBeNull();
          exercised ||= gradient !== null && numeric.data.some((v) => Math.abs(v) > 1e-2);
        }
      }
      expect(exercised, `a sample of ${kind} exercises its gradient`).toBe(true);
    });

    it("has second derivatives that agree with central differences, or says that it has none", () => {
      for (const scalarCase of cases.slice(0, 4)) checkSecondDerivatives(scalarCase);
    });
  } else if (definition.gradient.zero === true) {
    it("is constant between its jumps and gives no gradient", () => {
      expect(definition.gradient).toMatchObject({ none: expect.stringMatching(/\S/) });
      for (const scalarCase of cases) {
        const { b, inputs, loss, values } = weighted(scalarCase);
        for (const position of free(scalarCase)) {
          const { name } = scalarCase.inputs[position]!;
          const slopes = centralDifferences(lossOf(loss), values, name);
          expect(
            slopes.data.every((v) => v === 0),
            `${scalarCase.title} '${name}'`,
          ).toBe(true);
          expect(backward(b, loss, [inputs[position]!])).toEqual([null]);
        }
      }
    });
  } else {
    it("says why it has no gradient when one is needed", () => {
      const reason = (definition.gradient as { none: string }).none;
      expect(reason).toMatch(/\S/);
      expect(cases.length).toBeGreaterThan(0);
      for (const scalarCase of cases) {
        const { b, inputs, outputs, loss } = weighted(scalarCase);
        const attempt = () => backward(b, loss, [inputs[free(scalarCase)[0]!]!]);
        expect(attempt).toThrow(MissingGradient);
        expect(attempt).toThrow(expect.objectContaining({ reason, node: outputs[0]!.node }));
      }
    });
  }
});

/** Differentiates Σ probes · gradients once more. */
function checkSecondDerivatives(scalarCase: SampleCase): void {
  const { b, inputs, loss, values } = weighted(scalarCase);
  const positions = free(scalarCase);
  const targets = positions.map((i) => inputs[i]!);
  const probes: Tensors = {};
  const terms = backward(b, loss, targets).flatMap((gradient, i) => {
    if (gradient === null) return [];
    const name = `probe ${i}`;
    probes[name] = draw({ shape: shapeOf(gradient) }, random.keyOf(`${scalarCase.title} ${name}`));
    return [b.mul(gradient, b.input(name, "batch", "f32", shapeOf(gradient)))];
  });
  if (terms.length === 0) return;
  const slope = addUp(b, terms);
  const all = { ...values, ...probes };
  let second: readonly (Value | null)[];
  try {
    second = backward(b, slope, targets);
  } catch (error) {
    expect(error, scalarCase.title).toBeInstanceOf(MissingGradient);
    return;
  }
  for (const [k, position] of positions.entries()) {
    const { name } = scalarCase.inputs[position]!;
    const numeric = centralDifferences(lossOf(slope), all, name);
    const gradient = second[k] ?? null;
    const analytic =
      gradient === null
        ? { ...numeric, data: numeric.data.map(() => 0) }
        : evaluateValues([gradient], all, sampleBatch)[0]!;
    const problem = worstDifference(analytic, numeric, { relative: 1e-5, absolute: 1e-6 });
    expect(problem, `${scalarCase.title}, second derivative towards '${name}'`).toBeNull();
  }
}

it("tries every op with the batch size as a dimension where it takes tensors of any shape", () => {
  expect(allSamples.length).toBeGreaterThan(opKinds.length);
  const symbolic = new Set(
    allSamples.flatMap(({ kind, inputs, sample }) =>
      JSON.stringify([inputs.map((x) => x.sample.shape), sample.attrs]).includes('"n"')
        ? [kind]
        : [],
    ),
  );
  const fixedOnly = opKinds.filter((kind) => !symbolic.has(kind));
  // Parameters of an optimiser have no batch axis; truth tables list all cases.
  expect(fixedOnly.filter((kind) => !/^(apply|logical)/.test(kind))).toEqual([]);
});
