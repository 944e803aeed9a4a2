/** @file Several steps in one call of the onnx engine: the same numbers as by as many calls, to the last bit. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createEngine, type HostTensor, initialState, random } from "@dlc/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { loadDefinition, sampleInputs } from "../support/model-inputs.js";
import { fingerprint } from "../support/tiny-runs.js";

const folder = fileURLToPath(new URL("../../models/", import.meta.url));
const models = readdirSync(folder).filter((name) => existsSync(join(folder, name, "spec.yaml")));
const { engine } = await createEngine({ engine: "onnx", device: "cpu", threads: 1 });
afterAll(() => engine.dispose());

const n = 3;

describe("steps in one call", () => {
  it.each(models)("give what single steps of %s give", { timeout: 120_000 }, async (name) => {
    const definition = await loadDefinition(join(folder, name, "spec.yaml"));
    const { train, phases, apply } = definition.programs;
    const programs = [train, ...(phases ?? []).map((phase) => phase.train), apply];
    for (const program of programs) {
      if (program === undefined) continue;
      const start = initialState(definition.state, 1);
      const apart = engine.createState(definition.state, start);
      const together = engine.createState(definition.state, start);
      const steps = [1, 2, 3].map((step) => ({
        inputs: sampleInputs(definition, program, n, step),
        scalars: { learning_rate: 0.01 / step, step, random_key: random.derive(7, step) },
      }));
      const executable = await engine.prepare(program, n);
      const expected: Record<string, HostTensor>[] = [];
      for (const step of steps) expected.push(await executable.run({ ...step, state: apart }));
      const [first, ...others] = steps;
      const given = [
        ...((await executable.runSteps?.({ steps: first ? [first] : [], state: together })) ?? []),
        ...((await executable.runSteps?.({ steps: others, state: together })) ?? []),
      ];
      expect(given.map(fingerprint)).toEqual(expected.map(fingerprint));
      expect(fingerprint(await together.read())).toBe(fingerprint(await apart.read()));
      expect(fingerprint(await together.read())).not.toBe(fingerprint(start));
    }
  });
});
