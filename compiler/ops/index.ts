/** @file The op table: data, no registration by side effect. A missing op does not compile. */
import type { OpKind } from "@dlc/runtime";
import type { OpDef } from "./define-op.js";
import { elementwiseOps } from "./elementwise/index.js";

export const ops: { readonly [K in OpKind]: OpDef<K> } = {
  ...elementwiseOps,
  // TODO(families): source, reduce, linear, shape, conv, norm, loss, random, update
} as { readonly [K in OpKind]: OpDef<K> };

export const opKinds = Object.keys(ops) as readonly OpKind[];
