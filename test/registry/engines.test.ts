/** @file Every engine against the reference meaning of every op. */
import { engineLacks, type OpKind } from "@dlc/runtime";
import { afterAll, describe, expect, it } from "vitest";
import type { AnyOpDef } from "../../compiler/ops/define-op.js";
import { opKinds, ops } from "../../compiler/ops/index.js";
import { opTestEngines, startTestEngine } from "../support/engines.js";
import { computesAsReference } from "../support/op-on-engine.js";
import { samplesOf } from "../support/op-samples.js";

const engines = await Promise.all(opTestEngines.map(startTestEngine));
afterAll(() => Promise.all(engines.map((engine) => engine.dispose())));

describe.for(engines)("$name on $device", (engine) => {
  const lacking: readonly OpKind[] = engineLacks[engine.name] ?? [];

  it("leaves only ops that have an expansion to the compiler", () => {
    for (const kind of lacking) expect((ops[kind] as AnyOpDef).expand, kind).toBeDefined();
  });

  const native = opKinds.filter((kind) => !lacking.includes(kind));
  it.for(native.flatMap(samplesOf))("computes $title as its reference does", (c) =>
    computesAsReference(engine, c),
  );
});
