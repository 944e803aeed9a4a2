/**
 * @file Looks for one engine on one device and, where it is, computes one small program with it; prints what
 * came out as JSON. A process of its own, run by engines.ts: a driver or a native library may end it.
 */
import { availableParallelism } from "node:os";
import { type Engine, engineEntries, type HostTensor, type Program } from "@dlc/runtime";
import type { Attempt } from "./engines.js";

/** relu(x · x): a product and an activation, which every engine has kernels for. */
const program: Program = {
  name: "doctor",
  inputs: { x: { dtype: "f32", shape: ["n", 2] } },
  scalars: {},
  reads: [],
  updates: [],
  outputs: { y: { dtype: "f32", shape: ["n", 2] } },
  run(o, { inputs }) {
    const { x } = inputs;
    if (x === undefined) throw new Error("the program has an input");
    const how = { transposeA: false, transposeB: false, activation: "none" } as const;
    return { outputs: { y: o.relu(o.matmul(x, x, how)) }, state: {} };
  },
};
const x: HostTensor = { dtype: "f32", shape: [2, 2], data: Float32Array.of(1, -2, 3, 4) };
const expected = [0, 0, 15, 10];

async function compute(engine: Engine): Promise<void> {
  const executable = await engine.prepare(program, 2);
  const state = engine.createState({}, {});
  const { y } = await executable.run({ inputs: { x }, scalars: {}, state });
  state.dispose();
  executable.dispose();
  await engine.dispose();
  const found = Array.from(y?.data ?? []);
  if (
    found.length !== expected.length ||
    found.some((v, i) => Math.abs(v - (expected[i] ?? 0)) > 1e-3)
  ) {
    throw new Error(`it computed ${found.join(", ")} instead of ${expected.join(", ")}`);
  }
}

async function attempt(engineName: string, device: string): Promise<Attempt> {
  const entry = engineEntries.find(({ name }) => name === engineName);
  if (entry === undefined) throw new Error(`there is no engine ${engineName}`);
  const probe = await entry.probe(device);
  if (probe.availability === "absent") return { ...probe, fault: null };
  try {
    await compute(await entry.start(device, { threads: availableParallelism() }));
    return { ...probe, fault: null };
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error);
    return { ...probe, fault };
  }
}

const [, , engineName = "", device = ""] = process.argv;
const found = await attempt(engineName, device);
process.stdout.write(`\n${JSON.stringify({ attempt: found })}\n`);
