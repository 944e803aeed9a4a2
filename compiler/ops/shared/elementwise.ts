/** @file Factories for families of elementwise ops, whose entries then fit in a few lines. */
import type { ElementType, OpKind } from "@dlc/runtime";
import type { TensorType, Value } from "../../ir/types.js";
import {
  type AttrsOf,
  type BackwardContext,
  type Builder,
  defineOp,
  type OpDef,
  type OpSample,
  type ReferenceTensor,
} from "../define-op.js";
import { broadcastTypes, zip } from "./broadcast.js";
import { expectDtype, floats } from "./expect.js";
import { sumTo } from "./gradients.js";

export const map = (
  x: ReferenceTensor,
  f: (v: number) => number,
  dtype: ElementType = x.dtype,
): readonly ReferenceTensor[] => [{ dtype, shape: x.shape, data: x.data.map(f) }];

/** The input's own type, if its dtype is allowed. */
export function sameType(x: TensorType, allowed: readonly ElementType[]): readonly TensorType[] {
  expectDtype(x, allowed, 0);
  return [x];
}

type Flat = { readonly none: string; readonly zero: true };

interface UnaryEntry<K extends OpKind> {
  readonly kind: K;
  readonly summary: string;
  /** Dtypes it takes (default f32 only). */
  readonly dtypes?: readonly ElementType[];
  readonly f: (v: number) => number;
  /** The input's gradient, or why it is zero everywhere. */
  readonly gradient: ((context: BackwardContext<AttrsOf<K>>) => Value) | Flat;
  readonly expand?: (b: Builder, x: Value) => Value;
  /** Range and kinks of the sample (default −2 … 2, none). */
  readonly sample?: Pick<OpSample["inputs"][number], "range" | "avoid">;
}

/** An op that maps every element alike. */
export function defineUnary<K extends OpKind>(entry: UnaryEntry<K>): OpDef<K> {
  const { gradient, expand } = entry;
  const dtypes = entry.dtypes ?? floats;
  return defineOp<K>({
    kind: entry.kind,
    summary: entry.summary,
    inputs: ["x"],
    infer: ([x]) => sameType(x, dtypes),
    gradient:
      typeof gradient === "function" ? { backward: (context) => [gradient(context)] } : gradient,
    ...(expand === undefined ? {} : { expand: (b: Builder, [x]) => [expand(b, x)] }),
    evaluate: ([x]) => map(x, entry.f),
    samples: [
      { inputs: [{ shape: ["n", 5], ...entry.sample }] },
      { inputs: [{ shape: [], ...entry.sample }] },
      ...(dtypes.includes("i32") ? [{ inputs: [{ shape: [2, 3], dtype: "i32" as const }] }] : []),
    ],
  });
}

interface BinaryEntry<K extends OpKind> {
  readonly kind: K;
  readonly summary: string;
  readonly dtypes?: readonly ElementType[];
  readonly f: (x: number, y: number) => number;
  /** For i32 operands, where arithmetic wraps around; default: as `f`. */
  readonly integer?: (x: number, y: number) => number;
  /** Gradients of both operands in the result's shape; they are summed back to the operands'. */
  readonly gradient: (context: BackwardContext<AttrsOf<K>>) => readonly [Value, Value];
  readonly expand?: (b: Builder, x: Value, y: Value) => Value;
  readonly samples: readonly OpSample[];
}

/** An op of two operands that broadcast. */
export function defineBinary<K extends OpKind>(entry: BinaryEntry<K>): OpDef<K> {
  const { gradient, expand, f } = entry;
  const integer = entry.integer ?? f;
  return defineOp<K>({
    kind: entry.kind,
    summary: entry.summary,
    inputs: ["x", "y"],
    infer: ([x, y]) => broadcastTypes(x, y, entry.dtypes ?? floats),
    gradient: {
      backward: (context) => {
        const [dx, dy] = gradient(context);
        const [x, y] = context.inputs;
        return [sumTo(context.b, dx, x), sumTo(context.b, dy, y)];
      },
    },
    ...(expand === undefined ? {} : { expand: (b: Builder, [x, y]) => [expand(b, x, y)] }),
    evaluate: ([x, y]) => zip(x, y, x.dtype === "i32" ? integer : f),
    samples: entry.samples,
  });
}
