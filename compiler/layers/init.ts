/** @file From an initialiser field to the runtime's InitSpec. */
import type { InitSpec } from "@dlc/runtime";
import type { InitializerValue } from "./fields.js";

/** Fans are those of the layer: inputs and outputs per unit, times the receptive field of a kernel. */
export function initOf(initializer: InitializerValue, fanIn: number, fanOut: number): InitSpec {
  const value = initializer.value;
  return { kind: initializer.kind, fanIn, fanOut, ...(value === null ? {} : { value }) };
}
