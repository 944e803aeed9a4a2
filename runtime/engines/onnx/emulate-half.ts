/**
 * @file Halves on devices without kernels for them: tensors are f32, and every result is rounded, by a Cast to
 * the half type and back. ONNX Runtime's CPU provider has both casts but no f16 or bf16 kernels on x86;
 * what it inserts by itself for f16 leaves out roundings between neighbours, so it is not asked to.
 */
import type { Engine } from "../../engine.js";
import { isHalf } from "../../half.js";
import { halfOps, heavyOps, type OpKind, type Ops } from "../../ops.js";
import type { ElementType, HalfType } from "../../tensor.js";
import type { Handle } from "./graph.js";
import { onTwins } from "./lower/blocked.js";
import type { Primitives } from "./primitives.js";

type Table = Omit<Ops<Handle>, "scope">;
type Lowering = (...args: readonly unknown[]) => Handle | readonly Handle[];

/** Results that are sums; other ops that take halves only hand on elements of their inputs. */
const inexact: ReadonlySet<OpKind> = new Set([...heavyOps, "maxPool2dGrad"]);

function rounded(p: Primitives, x: Handle, half: HalfType): Handle {
  const round = ([value]: readonly Handle[]): Handle =>
    p.cast(p.cast(value as Handle, half), "f32");
  return { ...onTwins(p, [x], round), half };
}

/** The half type of the tensors among an op's arguments, in lists and options as well. */
function halfAmong(args: readonly unknown[]): HalfType | undefined {
  for (const value of args) {
    if (typeof value !== "object" || value === null) continue;
    const { dtype, half } = value as Partial<Handle>;
    const isTensor = dtype !== undefined && "name" in value;
    const found = isTensor ? half : halfAmong(Object.values(value));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The same handle of a tensor that is known to consist of halves, or is f32 again. */
function marked({ half: _, ...handle }: Handle, half?: HalfType): Handle {
  return half === undefined ? handle : { ...handle, half };
}

/** Lowerings that know nothing of emulated halves, as lowerings of programs that have such. */
export function emulateHalf(p: Primitives, support: Engine["half"], table: Table): Table {
  const isEmulated = (dtype: ElementType): dtype is HalfType => {
    if (!isHalf(dtype)) return false;
    if (support[dtype] === "none") throw new Error(`this device has no ${dtype}`);
    return support[dtype] === "emulated";
  };
  const wrap = (kind: OpKind, lower: Lowering): Lowering => {
    return (...args) => {
      const half = halfAmong(args);
      if (half === undefined) return lower(...args);
      const results = [lower(...args)]
        .flat()
        .map((result) => (inexact.has(kind) ? rounded(p, result, half) : marked(result, half)));
      return results.length === 1 ? (results[0] as Handle) : results;
    };
  };
  const wrapped = halfOps.map((kind) => [kind, wrap(kind, table[kind] as Lowering)] as const);
  const to = (x: Handle, dtype: ElementType): Handle =>
    isEmulated(dtype) ? rounded(p, p.cast(marked(x), "f32"), dtype) : marked(p.cast(x, dtype));
  return {
    ...table,
    ...(Object.fromEntries(wrapped) as Partial<Table>),
    cast: (x, { dtype }) => (x.half === dtype ? x : to(x, dtype)),
    constant: ({ dtype, shape, value }) =>
      isEmulated(dtype)
        ? rounded(p, p.constant("f32", shape, value), dtype)
        : p.constant(dtype, shape, value),
  };
}
