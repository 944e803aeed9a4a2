/** @file Every op but the loop, computed at once on a backend. */
import type { OpKind, Ops } from "../../../ops.js";
import type { Backend } from "../backend.js";
import type { Value } from "../value.js";
import { convOps } from "./conv.js";
import { elementwiseOps } from "./elementwise.js";
import { linearOps } from "./linear.js";
import { lossOps } from "./loss.js";
import { movementOps } from "./movement.js";
import { normOps } from "./norm.js";
import { poolOps } from "./pool.js";
import { randomOps } from "./random.js";
import { reduceOps } from "./reduce.js";
import { updateOps } from "./update.js";

/** A loop runs a body, which is the interpreter's business. */
export type Kernels = Pick<Ops<Value>, Exclude<OpKind, "scan">>;

export const createKernels = (b: Backend): Kernels => ({
  ...movementOps(b),
  ...elementwiseOps(b),
  ...reduceOps(b),
  ...linearOps(b),
  ...convOps(b),
  ...poolOps(b),
  ...normOps(b),
  ...lossOps(b),
  ...randomOps(b),
  ...updateOps(b),
});
