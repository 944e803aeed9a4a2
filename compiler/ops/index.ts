/** @file The op table: data, no registration by side effect. A missing op does not compile. */
import type { OpKind } from "@dlc/runtime";
import { convOps } from "./conv/index.js";
import type { OpDef } from "./define-op.js";
import { elementwiseOps } from "./elementwise/index.js";
import { linearOps } from "./linear/index.js";
import { lossOps } from "./loss/index.js";
import { normOps } from "./norm/index.js";
import { randomOps } from "./random/index.js";
import { recurrenceOps } from "./recurrence/index.js";
import { reduceOps } from "./reduce/index.js";
import { shapeOps } from "./shape/index.js";
import { sourceOps } from "./source/index.js";
import { updateOps } from "./update/index.js";

export const ops: { readonly [K in OpKind]: OpDef<K> } = {
  ...sourceOps,
  ...elementwiseOps,
  ...reduceOps,
  ...linearOps,
  ...shapeOps,
  ...convOps,
  ...normOps,
  ...lossOps,
  ...recurrenceOps,
  ...randomOps,
  ...updateOps,
};

export const opKinds = Object.keys(ops) as readonly OpKind[];
