/** @file The layer registry: data, no registration by side effect. Adding a layer is one file and one line here. */

import { dense } from "./core/dense.js";
import type { AnyLayerDef } from "./define-layer.js";
import { add } from "./merge/add.js";

const all: readonly AnyLayerDef[] = [dense, add];

export const layers: ReadonlyMap<string, AnyLayerDef> = new Map(all.map((l) => [l.type, l]));
