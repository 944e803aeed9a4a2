/**
 * @file Programs recorded for CUDA, without a GPU: they keep to the operators that the provider documents, and ONNX
 * Runtime's CPU kernels make of those graphs what the ops mean, one step at a time and several.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Engine, type HostTensor, initialState, random } from "@dlc/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { opKinds } from "../../compiler/ops/index.js";
import { createTargetEngine } from "../../runtime/engines/onnx/engine.js";
import { createGraph } from "../../runtime/engines/onnx/graph.js";
import { checkOperators } from "../../runtime/engines/onnx/operators.js";
import { loadOrt } from "../../runtime/engines/onnx/ort-node.js";
import { createRecorder } from "../../runtime/engines/onnx/recorder.js";
import { cpuTarget } from "../../runtime/engines/onnx/target.js";
import { cudaTarget } from "../../runtime/engines/onnx/target-cuda.js";
import { halfOps } from "../../runtime/ops.js";
import { loadDefinition, sampleInputs } from "../support/model-inputs.js";
import { computesAsReference } from "../support/op-on-engine.js";
import { callSample, drawInputs, samplesOf } from "../support/op-samples.js";
import { fingerprint } from "../support/tiny-runs.js";

const folder = fileURLToPath(new URL("../../models/", import.meta.url));
const models = readdirSync(folder).filter((name) => existsSync(join(folder, name, "spec.yaml")));
const n = 2;

const ort = await loadOrt();
/** Graphs as for CUDA, computed by the CPU. Recording throws for an operator that CUDA has no kernel for. */
const { session } = cpuTarget();
const engine: Engine = createTargetEngine(ort, { ...cudaTarget, session }, 1);
afterAll(() => engine.dispose());

describe("ops recorded for CUDA", () => {
  it.for(opKinds)(
    "%s keeps to the provider's operators and computes its reference",
    async (kind) => {
      for (const c of samplesOf(kind)) await computesAsReference(engine, c);
    },
  );
});

describe("halves recorded for CUDA", () => {
  const samples = halfOps
    .filter((kind) => kind !== "cast" && kind !== "constant")
    .flatMap(samplesOf)
    .filter(({ inputs }) => inputs.some(({ sample }) => (sample.dtype ?? "f32") === "f32"));

  it.each(samples.map((c) => [c.title, c] as const))("%s has kernels for f16", (_, c) => {
    const graph = createGraph();
    const recorder = createRecorder(graph, cudaTarget);
    const halves = Object.values(drawInputs(c)).map(({ dtype, shape }, i) => {
      const x = graph.input(`x${i}`, dtype, shape);
      return dtype === "f32" ? recorder.cast(x, { dtype: "f16" }) : x;
    });
    const model = graph.model(callSample(c, recorder, halves));
    expect(model.nodes.some(({ op }) => op === "Cast")).toBe(true);
    expect(() => checkOperators(graph, model, cudaTarget.operators ?? {})).not.toThrow();
  });
});

describe("models recorded for CUDA", () => {
  it.each(models)("%s trains, several steps a call as one", { timeout: 120_000 }, async (name) => {
    const definition = await loadDefinition(join(folder, name, "spec.yaml"));
    const { train, evaluate, infer, phases, apply } = definition.programs;
    const start = initialState(definition.state, 1);
    const scalars = { learning_rate: 0.01, step: 1, random_key: random.derive(7, 1), position: 0 };
    for (const program of [evaluate, infer]) {
      if (program === undefined) continue;
      const state = engine.createState(definition.state, start);
      const inputs = sampleInputs(definition, program, n);
      await (await engine.prepare(program, n)).run({ inputs, scalars, state });
    }
    for (const program of [train, ...(phases ?? []).map((phase) => phase.train), apply]) {
      if (program === undefined) continue;
      const executable = await engine.prepare(program, n);
      const step = { inputs: sampleInputs(definition, program, n), scalars };
      const apart = engine.createState(definition.state, start);
      const together = engine.createState(definition.state, start);
      const expected: Record<string, HostTensor>[] = [];
      for (const one of [step, step]) expected.push(await executable.run({ ...one, state: apart }));
      const given = await executable.runSteps?.({ steps: [step, step], state: together });
      expect(given?.map(fingerprint)).toEqual(expected.map(fingerprint));
      expect(fingerprint(await together.read())).toBe(fingerprint(await apart.read()));
    }
  });
});
