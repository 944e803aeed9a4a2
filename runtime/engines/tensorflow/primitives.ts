/**
 * @file TensorFlow operators with their shapes worked out: the vocabulary that lowerings are written in.
 *
 * Packages hold images as NCHW and filters as OIHW; TensorFlow's kernels want NHWC and HWIO. So a tensor may
 * have twins: the same values with permuted axes. Operators on tensors with a twin work on the twin, and the
 * plain tensor is a Transpose of the result, which is left out where nothing needs it.
 */
import { isHalf } from "../../half.js";
import type { FusedActivation } from "../../ops.js";
import { sizeOf } from "../../tensor.js";
import { broadcastShape, dim, type Shape, sameShape } from "../geometry.js";
import type { Graph, Handle } from "./graph.js";
import type { Attribute, ConstantType, GraphType } from "./graph-def.js";

/** Axis i of the twin is axis `perm[i]` of the plain tensor. */
export type Perm = readonly number[];

/** NHWC of NCHW. */
export const channelsLast: Perm = [0, 2, 3, 1];
/** HWIO of OIHW. */
export const filterLast: Perm = [2, 3, 1, 0];

/** Elements of a filled constant up to which it is stored rather than made when it runs. */
const storedFill = 1024;

const inverse = (perm: Perm): number[] => perm.map((_, i) => perm.indexOf(i));
const permuted = (shape: Shape, perm: Perm): number[] => perm.map((axis) => dim(shape, axis));

export type Primitives = ReturnType<typeof createPrimitives>;

export function createPrimitives(graph: Graph, device: string) {
  /** Of plain tensors: their twins by permutation. */
  const twins = new Map<string, Map<string, Handle>>();

  function node(
    op: string,
    inputs: readonly Handle[],
    shape: Shape,
    attributes: Readonly<Record<string, Attribute>> = {},
    dtype: GraphType | undefined = inputs[0]?.dtype,
  ): Handle {
    if (dtype === undefined) throw new Error(`${op} needs an explicit dtype`);
    return graph.node(op, inputs, attributes, [{ dtype, shape }])[0] as Handle;
  }
  /** With the attribute T: the type of the first input. */
  const typed = (
    op: string,
    inputs: readonly [Handle, ...Handle[]],
    shape: Shape,
    attributes: Readonly<Record<string, Attribute>> = {},
    dtype: GraphType = inputs[0].dtype,
  ): Handle => node(op, inputs, shape, { T: { type: inputs[0].dtype }, ...attributes }, dtype);

  const ints = (values: readonly number[]): Handle =>
    graph.constant("i32", [values.length], values);

  function cast(x: Handle, dtype: GraphType): Handle {
    if (x.dtype === dtype) return x;
    const attributes = { SrcT: { type: x.dtype }, DstT: { type: dtype } };
    return elementwise([x], (ys, shape) => node("Cast", ys, shape, attributes, dtype));
  }

  function constant(dtype: GraphType, shape: Shape, value: number | readonly number[]): Handle {
    if (dtype === "i64" || dtype === "resource" || dtype === "variant") {
      throw new Error(`there are no constants of type ${dtype}`);
    }
    if (isHalf(dtype)) return cast(constant("f32", shape, value), dtype);
    if (typeof value !== "number") return graph.constant(dtype, shape, value);
    const size = sizeOf(shape);
    if (size <= storedFill) return graph.constant(dtype, shape, new Array(size).fill(value));
    return {
      ...node(
        "Fill",
        [ints(shape), scalar(value, dtype)],
        shape,
        {
          T: { type: dtype },
          index_type: { type: "i32" },
        },
        dtype,
      ),
      fill: value,
    };
  }
  function scalar(value: number, dtype: GraphType = "f32"): Handle {
    return isHalf(dtype as never)
      ? cast(graph.constant("f32", [], [value]), dtype)
      : graph.constant(dtype as ConstantType, [], [value]);
  }

  // ---- twins

  function plainTranspose(x: Handle, perm: Perm): Handle {
    const shape = permuted(x.shape, perm);
    // Moving only axes of size 1 leaves the order of the elements as it is.
    const long = perm.filter((axis) => x.shape[axis] !== 1);
    if (long.every((axis, i) => i === 0 || axis > (long[i - 1] as number)))
      return reshape(x, shape);
    return typed("Transpose", [x, ints(perm)], shape, { Tperm: { type: "i32" } });
  }
  const twinOf = (x: Handle, perm: Perm): Handle | null =>
    twins.get(x.ref)?.get(perm.join()) ?? null;

  function remember(plain: Handle, perm: Perm, twin: Handle): void {
    const known = twins.get(plain.ref) ?? new Map<string, Handle>();
    twins.set(plain.ref, known.set(perm.join(), twin));
  }
  /** The values of `x` with permuted axes. */
  function as(x: Handle, perm: Perm): Handle {
    const known = twinOf(x, perm);
    if (known !== null) return known;
    const twin = plainTranspose(x, perm);
    // In loops nodes belong to their step's frame, as the plain tensor does.
    remember(x, perm, twin);
    return twin;
  }
  /** The plain tensor of a twin that was computed. */
  function from(twin: Handle, perm: Perm): Handle {
    const plain = plainTranspose(twin, inverse(perm));
    if (plain.ref !== twin.ref) remember(plain, perm, twin);
    return plain;
  }

  /** The permutation that some operand has a twin of. */
  function layoutOf(xs: readonly Handle[]): Perm | null {
    for (const x of xs) {
      const [known] = twins.get(x.ref)?.keys() ?? [];
      // A bias or scale may have been transposed somewhere: only whole tensors decide.
      if (known !== undefined && sizeOf(x.shape) > 1) return known.split(",").map(Number);
    }
    return null;
  }

  /**
   * Applies an operator that treats every element alike, broadcasting: on twins where there are some.
   * `make` gets the operands and the shape of the result.
   */
  function elementwise(
    xs: readonly Handle[],
    make: (operands: readonly [Handle, ...Handle[]], shape: Shape) => Handle,
  ): Handle {
    const shape = xs.map((x) => x.shape).reduce(broadcastShape);
    const perm = shape.length === 4 ? layoutOf(xs.filter((x) => sameShape(x.shape, shape))) : null;
    const operands = xs.map((x) => small(x, xs, shape));
    if (perm === null) return make(operands as [Handle, ...Handle[]], shape);
    const inner = operands.map((x) => {
      if (x.shape.length === 0) return x;
      const full = x.shape.length === 4 ? x : reshape(x, [1, 1, 1, 1, ...x.shape].slice(-4));
      return as(full, perm);
    });
    return from(make(inner as [Handle, ...Handle[]], permuted(shape, perm)), perm);
  }
  /** A constant that only repeats one number is passed as a scalar where another operand gives the shape. */
  const small = (x: Handle, xs: readonly Handle[], shape: Shape): Handle =>
    x.fill !== undefined &&
    x.shape.length > 0 &&
    xs.some((other) => other !== x && sameShape(other.shape, shape))
      ? constant(x.dtype, [], x.fill)
      : x;

  const unary = (op: string, x: Handle): Handle =>
    elementwise([x], (ys, shape) => typed(op, ys, shape));
  const binary = (op: string, x: Handle, y: Handle): Handle =>
    elementwise([x, y], (ys, shape) => typed(op, ys, shape));
  const compare = (op: string, x: Handle, y: Handle): Handle =>
    elementwise([x, y], (ys, shape) => typed(op, ys, shape, {}, "bool"));
  /** Operators without a type attribute: of bool tensors. */
  const logical = (op: string, ...xs: readonly Handle[]): Handle =>
    elementwise(xs, (ys, shape) => node(op, ys, shape, {}, "bool"));
  const select = (condition: Handle, x: Handle, y: Handle): Handle =>
    elementwise([condition, x, y], ([c, a, b], shape) =>
      node("SelectV2", [c, a as Handle, b as Handle], shape, { T: { type: x.dtype } }, x.dtype),
    );

  // ---- movement

  function reshape(x: Handle, shape: Shape): Handle {
    if (sameShape(x.shape, shape)) return x;
    if (sizeOf(x.shape) !== sizeOf(shape)) {
      throw new Error(`[${x.shape.join()}] cannot become [${shape.join()}]`);
    }
    return typed("Reshape", [x, ints(shape)], shape, { Tshape: { type: "i32" } });
  }
  function transpose(x: Handle, perm: Perm): Handle {
    const known = twinOf(x, perm);
    if (known !== null) return known;
    // NHWC to NCHW, as programs begin with their images: x is what the kernels want.
    if (perm.join() === inverse(channelsLast).join()) return from(x, channelsLast);
    const producer = graph.producer(x);
    if (producer?.op === "Transpose" && !graph.inBody) {
      const source = outer.get(x.ref);
      if (source !== undefined)
        return transpose(
          source.of,
          perm.map((axis) => dim(source.perm, axis)),
        );
    }
    const result = plainTranspose(x, perm);
    outer.set(result.ref, { of: x, perm });
    return result;
  }
  /** What transposes of the program came from: two in a row are one. */
  const outer = new Map<string, { readonly of: Handle; readonly perm: Perm }>();

  const broadcastTo = (x: Handle, shape: Shape): Handle =>
    sameShape(x.shape, shape)
      ? x
      : typed("BroadcastTo", [x, ints(shape)], shape, { Tidx: { type: "i32" } });

  /** An operator with a number per axis, on a twin where there is one. */
  function axial(
    x: Handle,
    lists: readonly Shape[],
    shape: Shape,
    make: (x: Handle, lists: readonly Shape[], shape: Shape) => Handle,
  ): Handle {
    const perm = x.shape.length === 4 ? layoutOf([x]) : null;
    if (perm === null) return make(x, lists, shape);
    const inner = make(
      as(x, perm),
      lists.map((list) => permuted(list, perm)),
      permuted(shape, perm),
    );
    return from(inner, perm);
  }

  /** A part of x: `begin` and `size` per axis. */
  function slice(x: Handle, begin: Shape, size: Shape): Handle {
    if (sameShape(size, x.shape)) return x;
    return axial(x, [begin], size, (y, [starts], shape) =>
      typed("Slice", [y, ints(starts as Shape), ints(shape)], shape, { Index: { type: "i32" } }),
    );
  }
  function pad(x: Handle, before: Shape, after: Shape, value = 0): Handle {
    if (before.every((n) => n === 0) && after.every((n) => n === 0)) return x;
    const size = x.shape.map((n, i) => n + dim(before, i) + dim(after, i));
    return axial(x, [before, after], size, (y, [b, a], shape) => {
      const paddings = (b as Shape).flatMap((n, i) => [n, dim(a as Shape, i)]);
      const table = graph.constant("i32", [shape.length, 2], paddings);
      return typed("PadV2", [y, table, scalar(value, y.dtype)], shape, {
        Tpaddings: { type: "i32" },
      });
    });
  }
  function reverse(x: Handle, axes: readonly number[]): Handle {
    return axes.length === 0
      ? x
      : typed("ReverseV2", [x, ints(axes)], x.shape, { Tidx: { type: "i32" } });
  }
  function concat(xs: readonly Handle[], axis: number): Handle {
    const [first] = xs;
    if (first === undefined) throw new Error("nothing to concatenate");
    if (xs.length === 1) return first;
    const shape = [...first.shape];
    shape[axis] = xs.reduce((sum, x) => sum + dim(x.shape, axis), 0);
    const join = (ys: readonly Handle[], along: number, size: Shape): Handle =>
      node("ConcatV2", [...ys, scalar(along, "i32")], size, {
        N: { int: ys.length },
        T: { type: first.dtype },
        Tidx: { type: "i32" },
      });
    const perm = shape.length === 4 ? layoutOf(xs) : null;
    if (perm === null) return join(xs, axis, shape);
    return from(
      join(
        xs.map((x) => as(x, perm)),
        perm.indexOf(axis),
        permuted(shape, perm),
      ),
      perm,
    );
  }

  // ---- reductions and products

  function reduce(op: string, x: Handle, axes: readonly number[], keepDims: boolean): Handle {
    if (axes.length === 0) return x;
    const shape = keepDims
      ? x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
      : x.shape.filter((_, axis) => !axes.includes(axis));
    const over = (y: Handle, along: readonly number[], size: Shape): Handle =>
      typed(op, [y, ints(along)], size, { Tidx: { type: "i32" }, keep_dims: { bool: keepDims } });
    const perm = x.shape.length === 4 ? layoutOf([x]) : null;
    if (perm === null) return over(x, axes, shape);
    const inner = axes.map((axis) => perm.indexOf(axis)).sort((a, b) => a - b);
    if (keepDims) return from(over(as(x, perm), inner, permuted(shape, perm)), perm);
    // What is left must come in the plain order.
    const left = perm.filter((axis) => !axes.includes(axis));
    const ordered = left.every((axis, i) => i === 0 || axis > (left[i - 1] as number));
    return ordered ? over(as(x, perm), inner, shape) : over(x, axes, shape);
  }

  function matmul(x: Handle, y: Handle, transposeA: boolean, transposeB: boolean): Handle {
    const [rx, ry] = [x.shape.length, y.shape.length];
    const rows = dim(x.shape, rx - (transposeA ? 1 : 2));
    const columns = dim(y.shape, ry - (transposeB ? 2 : 1));
    const lead = broadcastShape(x.shape.slice(0, -2), y.shape.slice(0, -2));
    const shape = [...lead, rows, columns];
    return rx === 2 && ry === 2
      ? typed("MatMul", [x, y], shape, {
          transpose_a: { bool: transposeA },
          transpose_b: { bool: transposeB },
        })
      : typed("BatchMatMulV2", [x, y], shape, {
          adj_x: { bool: transposeA },
          adj_y: { bool: transposeB },
        });
  }

  const activations: Readonly<Record<FusedActivation, string | null>> = {
    none: null,
    relu: "Relu",
    sigmoid: "Sigmoid",
    tanh: "Tanh",
  };
  function activate(x: Handle, activation: FusedActivation): Handle {
    const op = activations[activation];
    return op === null ? x : unary(op, x);
  }

  const add = (x: Handle, y: Handle): Handle => binary("AddV2", x, y);
  const sub = (x: Handle, y: Handle): Handle => binary("Sub", x, y);
  const mul = (x: Handle, y: Handle): Handle => binary("Mul", x, y);
  const div = (x: Handle, y: Handle): Handle =>
    binary(x.dtype === "i32" ? "TruncateDiv" : "RealDiv", x, y);
  const scale = (x: Handle, factor: number): Handle =>
    factor === 1 ? x : mul(x, scalar(factor, x.dtype));

  return {
    graph,
    /** Does the device convolve with dilations, backwards too, and with groups? The CPU's kernels do not. */
    anyConv: device !== "cpu",
    /** Do the device's kernels sum halves in f32? */
    ownHalves: device !== "cpu",
    node,
    typed,
    ints,
    scalar,
    constant,
    cast,
    as,
    from,
    twinOf,
    remember,
    elementwise,
    unary,
    binary,
    compare,
    logical,
    select,
    reshape,
    transpose,
    broadcastTo,
    slice,
    pad,
    reverse,
    concat,
    reduce,
    matmul,
    activate,
    add,
    sub,
    mul,
    div,
    scale,
  };
}
