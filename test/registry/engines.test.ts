/** @file Every engine against the reference meaning of every op. */
import { createEngine, type Engine, engineDevices, engineLacks, type OpKind } from "@dlc/runtime";
import { afterAll, describe, expect, it } from "vitest";
import type { AnyOpDef } from "../../compiler/ops/define-op.js";
import { opKinds, ops } from "../../compiler/ops/index.js";
import { runOnce, worstError } from "../support/one-op-program.js";
import { referenceResults, sampleCall } from "../support/op-values.js";

const tolerance = 1e-5;
/** Where float32 itself is worse than that. */
const looser: Partial<Record<OpKind, number>> = {};

const engines = new Map<string, Engine>();
for (const [name, devices] of Object.entries(engineDevices)) {
  for (const device of devices) {
    const { engine } = await createEngine({ engine: name, device, threads: 1 });
    engines.set(`${name}:${device}`, engine);
  }
}
afterAll(async () => {
  for (const engine of engines.values()) await engine.dispose();
});

for (const [label, engine] of engines) {
  const lacking = engineLacks[engine.name] ?? [];
  describe(label, () => {
    it("leaves only ops that have an expansion to the compiler", () => {
      for (const kind of lacking) expect((ops[kind] as AnyOpDef).expand, kind).toBeDefined();
    });

    for (const kind of opKinds.filter((candidate) => !lacking.includes(candidate))) {
      const definition: AnyOpDef = ops[kind];
      it.for(definition.samples.map((sample, i) => [i, sample] as const))(
        `computes ${kind} as its reference does, sample %$`,
        async ([i, sample]) => {
          const call = sampleCall(definition, sample, i);
          const expected = referenceResults(definition, call);
          const names = Object.keys(call.optional);
          const inputs = [...call.required, ...Object.values(call.optional)];
          const actual = await runOnce(engine, inputs, expected, (o, handles) => {
            const required = handles.slice(0, call.required.length);
            const extra = handles.slice(call.required.length);
            const options = {
              ...call.attrs,
              ...Object.fromEntries(names.map((name, k) => [name, extra[k]])),
            };
            const method = o[kind] as (...args: readonly unknown[]) => unknown;
            const args = definition.variadic ? [required] : required;
            const result = method(...args, options);
            return (Array.isArray(result) ? result : [result]) as (typeof handles)[number][];
          });
          actual.forEach((result, k) => {
            const reference = expected[k];
            expect(result.dtype).toBe(reference?.dtype);
            expect(result.shape).toEqual(reference?.shape);
            if (reference === undefined) return;
            expect(worstError(result, reference)).toBeLessThan(looser[kind] ?? tolerance);
          });
        },
      );
    }
  });
}
