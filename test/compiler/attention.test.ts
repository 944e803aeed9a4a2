/** @file Attention, positions and feed-forward layers; numbers against PyTorch: golden-attention.test.ts. */
import { createEngine } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { emitPackage } from "../../compiler/5-emit/emit-package.js";
import { nodesOf } from "../../compiler/ir/traverse.js";
import type { Graph } from "../../compiler/ir/types.js";
import type { AnyLayerDef } from "../../compiler/layers/define-layer.js";
import { layers as registry } from "../../compiler/layers/index.js";
import { createWorkspace, loadProgram } from "../support/emitted.js";
import { compiledFrom, expectTrueGradients, reportsOf, specFrom } from "../support/from-yaml.js";
import {
  expectClose,
  inputValues,
  lowered,
  noise,
  numbers,
  run,
  scalarOf,
  stateValues,
  tensor,
  trained,
  type Values,
} from "../support/lowering.js";
import { runLayers } from "../support/one-layer.js";
import { toHost } from "../support/one-op-program.js";

const n = 3;
const [steps, length, size] = [5, 4, 6];

/** A model whose output is that of the last of these layers, with the inputs that they read. */
function modelOf(layers: string, more = ""): string {
  const feature = (name: string, count: number): string =>
    `${name}: { type: sequence, max_length: ${count}, channels: ${size} }`;
  const readsOther = /\bother\b/.test(layers);
  const features = [
    ...(/\bx\b/.test(layers) ? [feature("x", steps)] : []),
    ...(readsOther ? [feature("memory", length)] : []),
  ];
  return `data:
  source: { arrays: true }
  features: { ${features.join(", ")} }
  targets: { y: { type: vector, shape: [2] } }
model:
  layers:
${readsOther ? "    - { linear: {}, from: memory, as: other }" : ""}
${layers}
${more}`;
}

/** Numbers with a last channel that says which steps are real; `name` picks the numbers. */
function sequence(name: string, count: number, lengths: readonly number[]): Values[string] {
  const { data } = noise(name, [n, count, size], 1);
  const rows = Array.from({ length: n * count }, (_, row) => [
    ...data.slice(row * size, (row + 1) * size),
    Number(row % count < (lengths[Math.floor(row / count)] as number)),
  ]);
  return tensor([n, count, size + 1], rows.flat());
}

interface Given {
  readonly x: Values[string];
  readonly memory: Values[string];
}
const whole: Given = {
  x: sequence("x", steps, [5, 5, 5]),
  memory: sequence("memory", length, [4, 4, 4]),
};

/** The model's output for some inputs, always with the same weights. */
function outputOf(layers: string, given: Partial<Given>): Values[string] {
  const { infer, state } = lowered(
    specFrom(modelOf(`${layers}\n    - { linear: {}, as: result }`)),
  );
  const results = run(infer, { ...stateValues(state), ...whole, ...given }, n);
  return Object.values(results)[0] as Values[string];
}

/** Without weights of their own the two inputs must have equal sizes, as here. */
const kinds = ["multi_head", "scaled_dot", "dot", "general", "additive"] as const;
const fieldsOf = (kind: string): string =>
  kind === "multi_head" ? "kind: multi_head, heads: 2" : `kind: ${kind}`;
const crossed = (kind: string, more = ""): string =>
  `    - { attention: { ${fieldsOf(kind)}${more} }, from: { query: x, memory: other }, as: seen }`;
const selfish = (kind: string, more = ""): string =>
  `    - { add: [x, x], as: twice }\n    - { attention: { ${fieldsOf(kind)}${more} }, from: twice, as: seen }`;

/** Elements of example `i` from step `first` up to `end`. */
function stepsOf({ shape, data }: Values[string], i: number, first: number, end: number): number[] {
  const [, count, width] = shape as [number, number, number];
  // + 0: without negative zeros.
  return [...data.slice((i * count + first) * width, (i * count + end) * width)].map((v) => v + 0);
}

/** A sequence in which some steps of every example hold other numbers. */
function altered(value: Values[string], change: (example: number, step: number) => boolean) {
  const [, count, width] = value.shape as [number, number, number];
  const data = value.data.map((v, at) => {
    const [row, channel] = [Math.floor(at / width), at % width];
    const isNumber = channel < width - 1;
    return isNumber && change(Math.floor(row / count), row % count) ? 7 - 3 * v : v;
  });
  return { ...value, data };
}

describe.each(kinds)("attention of kind %s", (kind) => {
  it("does not see the memory's padding", () => {
    const lengths = [2, 4, 1];
    const memory = sequence("memory", length, lengths);
    const isPadding = (i: number, t: number): boolean => t >= (lengths[i] as number);
    const other = altered(memory, isPadding);
    const found = outputOf(crossed(kind), { memory });
    expect(numbers(outputOf(crossed(kind), { memory: other }))).toEqual(numbers(found));
    const changed = altered(memory, (_, t) => t === 0);
    expect(numbers(outputOf(crossed(kind), { memory: changed }))).not.toEqual(numbers(found));
    const weights = outputOf(`${crossed(kind)}\n    - { linear: {}, from: seen.weights }`, {
      memory,
    });
    const heads = kind === "multi_head" ? [2] : [];
    expect(weights.shape).toEqual([n, ...heads, steps, length]);
    const rows = numbers(weights).length / length;
    for (let row = 0; row < rows; row++) {
      const i = Math.floor((row * n) / rows);
      const of = numbers(weights).slice(row * length, (row + 1) * length);
      expect(of.slice(lengths[i])).toEqual(of.slice(lengths[i]).map(() => 0));
      expectClose([of.reduce((a, b) => a + b)], [1], 1e-12);
    }
  });

  it("gives nothing where everything is padding", () => {
    const memory = sequence("memory", length, [0, 4, 0]);
    const found = outputOf(crossed(kind), { memory });
    expect(numbers(found).every(Number.isFinite)).toBe(true);
    const weights = outputOf(`${crossed(kind)}\n    - { linear: {}, from: seen.weights }`, {
      memory,
    });
    const third = numbers(weights).length / n;
    for (const i of [0, 2]) {
      expect(new Set(numbers(weights).slice(i * third, (i + 1) * third))).toEqual(new Set([0]));
      const other = stepsOf(found, i, 0, steps);
      // Of multi_head the bias of the last projection stays, the same for all steps.
      const first = kind === "multi_head" ? other.slice(0, size) : Array(size).fill(0);
      expect(other).toEqual(Array.from({ length: steps }, () => first).flat());
    }
  });

  it("looks at itself without a memory, with its own padding", () => {
    const lengths = [3, 5, 1];
    const x = sequence("x", steps, lengths);
    const other = altered(x, (i, t) => t >= (lengths[i] as number));
    const [found, same] = [outputOf(selfish(kind), { x }), outputOf(selfish(kind), { x: other })];
    lengths.forEach((end, i) => {
      expect(stepsOf(same, i, 0, end)).toEqual(stepsOf(found, i, 0, end));
    });
  });

  it("sees no later step when it is causal", () => {
    const later = { x: altered(whole.x, (_, t) => t >= 3) };
    const [found, same] = ["", ", causal: true"].map((more) => {
      const [one, two] = [{}, later].map((given) => outputOf(selfish(kind, more), given));
      return [0, 1, 2].map((i) => [one, two].map((v) => stepsOf(v as Values[string], i, 0, 3)));
    });
    for (const [one, two] of same ?? []) expectClose(two, one as number[], 1e-12);
    for (const [one, two] of found ?? []) expect(two).not.toEqual(one);
    const { looksAhead } = registry.get("attention") as AnyLayerDef;
    const says = (causal: boolean, role: string, roles: string[]) =>
      looksAhead?.({ kind, causal }, role, roles);
    expect(says(true, "input", ["input"])).toBe(false);
    expect(says(false, "input", ["input"])).toBe(true);
    expect(says(false, "input", ["input", "memory"])).toBe(false);
    expect(says(false, "memory", ["input", "memory"])).toBe(true);
  });

  it("answers a single vector, inside of a recurrent cell too, with true gradients", () => {
    const programs = trained(
      specFrom(`data:
  source: { arrays: true }
  features: { x: { type: vector, shape: [${steps}, 2] }, memory: { type: sequence, max_length: ${length}, channels: ${size} } }
  targets: { y: { type: vector, shape: [${size}] } }
model:
  layers:
    - { linear: {}, from: memory, as: encoder }
    - recurrent:
        over: x
        states: { h: ${size} }
        cell:
          - { attention: { ${fieldsOf(kind)} }, from: { query: h, memory: encoder }, as: context }
          - { concat: [x, context] }
          - { gru_cell: { units: ${size}, state: h }, as: next }
        next: { h: next }
        return: last
train: { loss: mse, optimizer: sgd, learning_rate: 1 }`),
    );
    const values = {
      ...inputValues(programs.train, n),
      ...stateValues(programs.state),
      memory: sequence("memory", length, [4, 2, 0]),
    };
    expectTrueGradients(programs.train, values, n, 1e-6);
    // What does not depend on the state is computed once, before the loop.
    const scan = nodesOf(programs.model.infer).find((node) => node.kind === "scan");
    const body = scan?.attrs.body as Graph;
    const read = (body.parameters ?? []).map(({ name }) => name);
    expect(read.filter((name) => /memory_kernel$/.test(name))).toEqual([]);
  });

  it("computes on the engine what its definition says, in single precision", async () => {
    const model = compiledFrom(
      modelOf(
        `${crossed(kind)}\n${selfish(kind, ", causal: true").replace("as: seen", "as: own")}\n    - { add: [seen, own] }\n    - flatten\n    - dense: 2`,
        "train: { loss: mse, optimizer: sgd, learning_rate: 1 }",
      ),
    );
    const workspace = createWorkspace();
    workspace.add(await emitPackage(model));
    const program = await loadProgram(workspace, "example", "train");
    const values: Values = {
      ...stateValues(model.state),
      x: sequence("x", steps, [0, 3, 5]),
      memory: sequence("memory", length, [0, 4, 1]),
      y: noise("y", [n, 2]),
      learning_rate: scalarOf(1),
    };
    const wanted = run(model.programs.train as Graph, values, n);
    const { engine } = await createEngine({ engine: "onnx", device: "cpu", threads: 1 });
    const pick = (names: readonly string[]) =>
      Object.fromEntries(names.map((name) => [name, toHost(values[name] as Values[string])]));
    const state = engine.createState(model.state, pick(Object.keys(model.state)));
    const executable = await engine.prepare(program, n);
    await executable.run({
      inputs: pick(Object.keys(program.inputs)),
      scalars: { learning_rate: 1 },
      state,
    });
    const found = await state.read(program.updates);
    await engine.dispose();
    for (const name of program.updates) {
      const actual = found[name];
      const after = wanted[`state:${name}`] as Values[string];
      after.data.forEach((v, i) => {
        expect(Math.abs(v - (actual?.data[i] ?? Number.NaN)), name).toBeLessThan(1e-4);
      });
    }
  });
});

describe("rotary attention", () => {
  it("turns pairs of queries and keys by the angles of their steps", () => {
    const [heads, units] = [2, 8];
    const half = units / heads / 2;
    const layers = `    - { attention: { kind: multi_head, heads: ${heads}, units: ${units}, rotary: true }, from: x, as: seen }`;
    const { infer, state } = lowered(
      specFrom(modelOf(`${layers}\n    - { linear: {}, from: seen.weights }`)),
    );
    const values: Values = { ...stateValues(state), ...whole };
    const weights = Object.values(run(infer, values, n))[0] as Values[string];
    const kernel = values["seen.kernel"] as Values[string];
    const bias = values["seen.bias"] as Values[string];
    /** Column `column` of x·W + b for a step. */
    const projected = (i: number, t: number, column: number): number =>
      Array.from({ length: size }, (_, k) => k).reduce((sum, k) => {
        const x = whole.x.data[(i * steps + t) * (size + 1) + k] as number;
        return sum + x * (kernel.data[k * 3 * units + column] as number);
      }, bias.data[column] as number);
    /** Re(q·conj(k)·e^(i·(t − s)·θ)), summed over the pairs of a head (Su et al. 2021, equation 12). */
    const score = (i: number, head: number, t: number, s: number): number => {
      let total = 0;
      for (let pair = 0; pair < half; pair++) {
        const [a, b] = [head * 2 * half + pair, head * 2 * half + pair + half];
        const [qa, qb] = [projected(i, t, a), projected(i, t, b)];
        const [ka, kb] = [projected(i, s, units + a), projected(i, s, units + b)];
        const angle = (t - s) * 10_000 ** ((-2 * pair) / (2 * half));
        const [re, im] = [qa * ka + qb * kb, qb * ka - qa * kb];
        total += re * Math.cos(angle) - im * Math.sin(angle);
      }
      return total / Math.sqrt(2 * half);
    };
    const wanted: number[] = [];
    for (let i = 0; i < n; i++) {
      for (let head = 0; head < heads; head++) {
        for (let t = 0; t < steps; t++) {
          const row = Array.from({ length: steps }, (_, s) => Math.exp(score(i, head, t, s)));
          const sum = row.reduce((a, b) => a + b);
          wanted.push(...row.map((v) => v / sum));
        }
      }
    }
    expectClose(weights, wanted, 1e-9);
  });
});

describe("positions", () => {
  it("adds sines and cosines of growing wavelengths", () => {
    const { output } = runLayers("- positions: sinusoidal", {
      n: 1,
      shape: [7, 5],
      x: new Float64Array(35).fill(1),
    });
    const wanted = Array.from({ length: 35 }, (_, at) => {
      const [t, c] = [Math.floor(at / 5), at % 5];
      const angle = t / 10_000 ** ((2 * Math.floor(c / 2)) / 5);
      return 1 + (c % 2 === 0 ? Math.sin(angle) : Math.cos(angle));
    });
    expectClose(output, wanted, 1e-9);
  });

  it("adds a trained vector for each step, of a table that may be longer", () => {
    const table = Array.from({ length: 8 }, (_, i) => i);
    const input = { n: 2, shape: [2, 2], x: [0, 0, 1, 1, 2, 2, 3, 3] };
    const state = { "positions_1.table": table };
    const { output } = runLayers("- positions: { kind: learned, max_length: 4 }", {
      ...input,
      state,
    });
    expectClose(output, [0, 1, 3, 4, 2, 3, 5, 6]);
  });
});

it("feed_forward has four times as many hidden values unless it is told", () => {
  const weights = (field: string): Record<string, readonly number[]> => {
    const { state } = lowered(specFrom(modelOf(`    - ${field}\n      from: other`)));
    return Object.fromEntries(Object.entries(state).map(([name, { shape }]) => [name, shape]));
  };
  const sizes = (hidden: number) => ({
    "feed_forward_1.hidden_kernel": [size, hidden],
    "feed_forward_1.hidden_bias": [hidden],
    "feed_forward_1.output_kernel": [hidden, size],
    "feed_forward_1.output_bias": [size],
  });
  expect(weights("feed_forward: {}")).toEqual(sizes(4 * size));
  expect(weights("feed_forward: 3")).toEqual(sizes(3));
});

describe("a mistake", () => {
  const messagesOf = (layer: string): string[] =>
    reportsOf(modelOf(`${layer}\n    - flatten\n    - dense: 2`, "train: { loss: mse }"))
      .filter(({ code }) => !code.startsWith("unused"))
      .map(({ code, message }) => `${code}: ${message}`);

  it.each([
    [crossed("multi_head", ", causal: true"), "leave one of them out"],
    [crossed("multi_head", ", rotary: true"), "not comparable"],
    [selfish("additive", ", heads: 2"), "'heads' has no effect: attention of kind additive"],
    [selfish("dot", ", units: 2"), "'units' has no effect"],
    [
      selfish("multi_head", ", units: 7"),
      "splits units of 7 among 2 heads, which is not a whole number each: 1 or 7 heads",
    ],
    [selfish("multi_head", ", rotary: true"), "each head has 3"],
    [selfish("multi_head", ", value_size: 3"), "splits value_size of 3"],
    [
      `    - { dense: 4, from: x, as: q }\n${crossed("dot").replace("query: x", "query: q")}`,
      "the query has 4 numbers in each step and the memory 6",
    ],
    [
      "    - { flatten: {}, from: x }\n    - attention: dot",
      "needs a query [n,steps,size], but gets [n,30]",
    ],
    [
      "    - { flatten: {}, from: x, as: flat }\n    - { attention: dot, from: { query: x, memory: flat } }",
      "needs a memory [n,steps,size], but 'flat' is [n,30]",
    ],
    [
      "    - { positions: { kind: learned, max_length: 3 }, from: x }",
      "has 3 positions, but its input has 5 steps",
    ],
    [
      "    - { positions: { kind: sinusoidal, max_length: 9 }, from: x }",
      "'max_length' has no effect",
    ],
  ])("is explained: %s", (layer, words) => {
    const messages = messagesOf(layer);
    expect(messages).toHaveLength(1);
    expect(messages[0]).toContain(words);
  });
});
