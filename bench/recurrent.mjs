/**
 * @file LSTM(64) on batches of 64, forward and backward: written out step by step, or as a loop.
 *
 *     node bench/recurrent.mjs [steps…]
 *
 * Prints, for each number of steps: milliseconds to compile (differentiate, optimise), to open (the
 * first run), and per run (the smallest of many), and the number of nodes.
 */
import { createEngine } from "@dlc/runtime";
import { backward } from "../compiler/dist/3-differentiate/backward.js";
import { optimize } from "../compiler/dist/4-optimize/index.js";
import { createBuilder } from "../compiler/dist/ir/builder.js";
import { concreteShape } from "../compiler/dist/ir/shape.js";
import { nodesOf } from "../compiler/dist/ir/traverse.js";
import { shapeOf } from "../compiler/dist/ir/types.js";
import { lstmCell } from "../compiler/dist/layers/recurrent/cells.js";
import { overTime } from "../compiler/dist/layers/recurrent/over-time.js";
import { ops } from "../compiler/dist/ops/index.js";

const batch = 64;
const units = 64;
const features = 28;
const plain = { transposeA: false, transposeB: false, activation: "none" };

function graphOf(steps, unrollUpTo) {
  const b = createBuilder();
  const input = (name, shape) => b.input(name, "batch", "f32", shape);
  const x = input("x", [steps, "n", features]);
  const weights = [
    input("kernel", [features, 4 * units]),
    input("recurrent", [units, 4 * units]),
    input("bias", [4 * units]),
  ];
  const [kernel, recurrent, bias] = weights;
  const zeros = b.constant({ dtype: "f32", shape: ["n", units], value: 0 });
  const { outputs } = overTime({
    b,
    states: [zeros, zeros],
    sequences: [b.add(b.matmul(x, kernel, plain), bias)],
    reverse: false,
    unrollUpTo,
    step: (states, [projected]) => {
      const next = lstmCell.step({
        b,
        projected,
        states,
        hidden: states[0],
        units,
        recurrent,
        recurrentBias: null,
        activation: "tanh",
        gateActivation: "sigmoid",
      });
      return { states: next, outputs: [next[0]] };
    },
  });
  const loss = b.mean(b.square(outputs[0]), { axes: [0, 1, 2], keepDims: false });
  const gradients = backward(b, loss, weights);
  const graph = {
    name: "bench",
    outputs: [loss, ...gradients].map((value, i) => ({ name: `y${i}`, role: "output", value })),
  };
  return optimize(graph, { mode: "training", layout: "NCHW", lacking: [] });
}

/** Calls the contract for every node: what generated code does. */
function replay(o, roots, known, n) {
  const values = new Map(known);
  for (const node of nodesOf({ name: "", outputs: roots.map((value) => ({ value })) })) {
    if (values.has(node)) continue;
    const definition = ops[node.kind];
    const attrs = { ...node.attrs };
    for (const name of definition.shapeAttrs ?? []) attrs[name] = concreteShape(attrs[name], n);
    if (attrs.body !== undefined) attrs.body = bodyOf(o, attrs.body, n);
    const inputs = node.inputs.map((value) => values.get(value.node)[value.output]);
    const required = inputs.slice(0, inputs.length - node.optional.length);
    node.optional.forEach((name, i) => {
      attrs[name] = inputs[required.length + i];
    });
    const result = o[node.kind](...(definition.variadic ? [required] : required), attrs);
    values.set(node, Array.isArray(result) ? result : [result]);
  }
  return roots.map((value) => values.get(value.node)[value.output]);
}

const bodyOf =
  (o, body, n) =>
  (...given) => {
    const roots = body.outputs.map(({ value }) => value);
    const nodes = nodesOf(body).filter(({ kind }) => kind === "input");
    const position = new Map(body.parameters.map(({ name }, i) => [name, i]));
    return replay(
      o,
      roots,
      nodes.map((node) => [node, [given[position.get(node.attrs.name)]]]),
      n,
    );
  };

function programOf(graph) {
  const sources = nodesOf(graph).filter(({ kind }) => kind === "input");
  const types = sources.map(({ attrs, types: [type] }) => [attrs.name, type]);
  return {
    name: "bench",
    inputs: Object.fromEntries(types),
    scalars: {},
    reads: [],
    updates: [],
    outputs: Object.fromEntries(
      graph.outputs.map(({ name, value }) => [name, { dtype: "f32", shape: shapeOf(value) }]),
    ),
    run: (o, { inputs, n }) => {
      const known = sources.map((node) => [node, [inputs[node.attrs.name]]]);
      const roots = graph.outputs.map(({ value }) => value);
      const values = replay(o, roots, known, n);
      const outputs = graph.outputs.map(({ name }, i) => [name, values[i]]);
      return { outputs: Object.fromEntries(outputs), state: {} };
    },
  };
}

function randomInputs(program) {
  let seed = 1;
  const next = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed / 2 ** 32 - 0.5) * 0.4;
  };
  return Object.fromEntries(
    Object.entries(program.inputs).map(([name, { dtype, shape: symbolic }]) => {
      const shape = symbolic.map((dim) => (dim === "n" ? batch : dim));
      const size = shape.reduce((a, d) => a * d, 1);
      return [name, { dtype, shape, data: Float32Array.from({ length: size }, next) }];
    }),
  );
}

async function measure(engine, steps, unrollUpTo) {
  const start = performance.now();
  const graph = graphOf(steps, unrollUpTo);
  const compile = performance.now() - start;
  const program = programOf(graph);
  const executable = await engine.prepare(program, batch);
  const state = engine.createState({}, {});
  const inputs = randomInputs(program);
  const call = () => executable.run({ inputs, scalars: {}, state });
  const opening = performance.now();
  const outputs = await call();
  const open = performance.now() - opening;
  return { compile, open, call, outputs, nodes: nodesOf(graph).length, best: Infinity };
}

const lengths = process.argv.slice(2).map(Number);
const { engine } = await createEngine({ engine: "onnx", device: "cpu", threads: 2 });
for (const steps of lengths.length > 0 ? lengths : [1, 2, 4, 8, 28, 100]) {
  const forms = {
    written: await measure(engine, steps, steps),
    loop: await measure(engine, steps, 0),
  };
  const [a, z] = [forms.written.outputs, forms.loop.outputs];
  const off = Object.keys(a).map((name) =>
    Math.max(...a[name].data.map((value, i) => Math.abs(value - z[name].data[i]))),
  );
  if (Math.max(...off) > 1e-4) throw new Error(`the two forms differ by ${off}`);
  for (let round = 0; round < 30; round++) {
    for (const form of Object.values(forms)) {
      const begin = performance.now();
      await form.call();
      form.best = Math.min(form.best, performance.now() - begin);
    }
  }
  for (const [name, { nodes, compile, open, best }] of Object.entries(forms)) {
    const [c, f, r] = [compile, open, best].map((ms) => ms.toFixed(1).padStart(7));
    console.log(
      `${String(steps).padStart(4)} steps  ${name.padEnd(8)} ${String(nodes).padStart(5)} nodes  compile ${c} ms  first ${f} ms  run ${r} ms`,
    );
  }
}
await engine.dispose();
