/** @file A sample of an op on an engine, beside the op's reference meaning. */
import type { Engine } from "@dlc/runtime";
import { expect } from "vitest";
import type { SampleCase } from "./op-samples.js";
import { sampleResults } from "./sample-error.js";

const tolerance = 1e-5;

/** Fails where a result of the engine is not the reference's. */
export async function computesAsReference(engine: Engine, c: SampleCase): Promise<void> {
  for (const { type, expectedType, error } of await sampleResults(engine, c)) {
    expect(type).toBe(expectedType);
    expect(error).toBeLessThan(tolerance);
  }
}
