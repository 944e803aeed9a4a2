/**
 * @file Halves on the CPU: tensors are f16 or bf16, but what sums is computed in f32 and rounded once, as the
 * contract says. TensorFlow's own CPU kernels sum in halves, and oneDNN's end the process without AVX-512.
 */
import { isHalf } from "../../half.js";
import { heavyOps, type OpKind, type Ops } from "../../ops.js";
import type { ElementType, HalfType } from "../../tensor.js";
import type { Handle } from "./graph.js";
import type { Primitives } from "./primitives.js";

type Table = Omit<Ops<Handle>, "scope">;
type Lowering = (...args: readonly unknown[]) => Handle | readonly Handle[];

/** Other ops that take halves only hand on elements of their inputs; oneDNN's pools want AVX-512, too. */
const inWide: readonly OpKind[] = [...heavyOps, "maxPool2d", "maxPool2dGrad", "relu", "reluGrad"];

const isTensor = (value: unknown): value is Handle =>
  typeof value === "object" && value !== null && "ref" in value && "dtype" in value;

/** The arguments with every tensor replaced, in options as well. */
function mapped(args: readonly unknown[], f: (x: Handle) => Handle): readonly unknown[] {
  return args.map((value) => {
    if (isTensor(value)) return f(value);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, field]) => [name, isTensor(field) ? f(field) : field]),
    );
  });
}

/** The lowerings, for programs with halves. */
export function emulateHalves(p: Primitives, table: Table): Table {
  const wrap = (lower: Lowering): Lowering => {
    return (...args) => {
      const types = new Set<HalfType>();
      const wide = mapped(args, (x) => {
        if (!isHalf(x.dtype as ElementType)) return x;
        types.add(x.dtype as HalfType);
        return p.cast(x, "f32");
      });
      const [half] = types;
      if (half === undefined) return lower(...args);
      return p.cast(lower(...wide) as Handle, half);
    };
  };
  const wrapped = inWide.map((kind) => [kind, wrap(table[kind] as Lowering)] as const);
  return { ...table, ...(Object.fromEntries(wrapped) as Partial<Table>) };
}
