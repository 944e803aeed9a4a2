/** @file What the onnx engine leaves to the compiler. */
import type { OpKind } from "../../ops.js";

/** Ops that this engine leaves to the compiler's expansions. */
export const onnxLacks: readonly OpKind[] = [];
