/** @file From an initialiser field to the runtime's InitSpec. */
import type { InitSpec } from "@dlc/runtime";
import type { InitializerValue } from "./fields.js";

/** What an initialiser written without its number means; uniform and normal as in Keras. */
const defaults: Partial<Record<InitializerValue["kind"], number>> = {
  constant: 0,
  uniform: 0.05,
  normal: 0.05,
  orthogonal: 1,
};

/**
 * Fans are those of the layer: the inputs one output is computed from, and the outputs one input
 * reaches. With groups both count within the group. Only kinds that scale by them carry them.
 */
export function initOf(initializer: InitializerValue, fanIn: number, fanOut: number): InitSpec {
  const { kind } = initializer;
  if (/^(glorot|he|lecun)_/.test(kind)) return { kind, fanIn, fanOut };
  const value = initializer.value ?? defaults[kind];
  return { kind, ...(value === undefined ? {} : { value }) };
}
