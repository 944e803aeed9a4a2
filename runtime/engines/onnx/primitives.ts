/**
 * @file ONNX operators with their shapes worked out: the vocabulary that lowerings are written in.
 * Identities (casts, reshapes, transposes that change nothing) are not recorded.
 */
import type { FusedActivation, Pads, Pair } from "../../ops.js";
import { sizeOf } from "../../tensor.js";
import { broadcastShape, dim, reach, type Shape, sameShape } from "../geometry.js";
import type { Graph, Handle } from "./graph.js";
import type { AttributeValue, GraphDType } from "./model-proto.js";
import type { OnnxTarget } from "./target.js";

export interface SliceAxis {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step?: number;
}
export interface ConvGeometry {
  readonly strides: Pair;
  readonly pads: Pads;
  readonly dilations: Pair;
  readonly groups: number;
}
export type ReduceOp = "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin";

/** Elements of a filled constant up to which it is stored rather than expanded when it runs. */
const storedFill = 1024;

const windowCount = (size: number, pads: number, span: number, stride: number): number =>
  Math.floor((size + pads - span) / stride) + 1;

/** Height and width of what a window op makes of an image. */
export function windowedSize(
  [height, width]: Pair,
  kernel: Pair,
  { strides, pads, dilations }: { strides: Pair; pads: Pads; dilations?: Pair },
): Pair {
  const [dh, dw] = dilations ?? [1, 1];
  return [
    windowCount(height, pads[0] + pads[2], reach(kernel[0], dh), strides[0]),
    windowCount(width, pads[1] + pads[3], reach(kernel[1], dw), strides[1]),
  ];
}

export type Primitives = ReturnType<typeof createPrimitives>;

/** Operators are those that `target` has: asking for another is a fault of the lowering. */
export function createPrimitives(graph: Graph, target: OnnxTarget) {
  function one(
    op: string,
    inputs: readonly (Handle | null)[],
    shape: Shape,
    attributes: Readonly<Record<string, AttributeValue>> = {},
    dtype: GraphDType | undefined = inputs[0]?.dtype,
  ): Handle {
    if (dtype === undefined) throw new Error(`${op} needs an explicit dtype`);
    return graph.node(op, inputs, attributes, [{ dtype, shape }])[0] as Handle;
  }
  const scalar = (value: number, dtype: GraphDType = "f32"): Handle =>
    graph.constant(dtype, [], [value]);
  const ints = (values: readonly number[]): Handle =>
    graph.constant("i64", [values.length], values);

  function constant(dtype: GraphDType, shape: Shape, value: number | readonly number[]): Handle {
    if (typeof value !== "number") return graph.constant(dtype, shape, value);
    const size = sizeOf(shape);
    if (size <= storedFill) return graph.constant(dtype, shape, new Array(size).fill(value));
    return { ...one("Expand", [scalar(value, dtype), ints(shape)], shape), fill: value };
  }

  const unary = (op: string, x: Handle, dtype: GraphDType = x.dtype): Handle =>
    one(op, [x], x.shape, {}, dtype);

  /** An elementwise operator; a constant that only repeats one number is passed as a scalar. */
  function binary(op: string, x: Handle, y: Handle, dtype: GraphDType = x.dtype): Handle {
    const shape = broadcastShape(x.shape, y.shape);
    const small = (value: Handle, other: Handle): Handle =>
      value.fill !== undefined && sameShape(other.shape, shape)
        ? scalar(value.fill, value.dtype)
        : value;
    return one(op, [small(x, y), small(y, x)], shape, {}, dtype);
  }

  function where(condition: Handle, x: Handle, y: Handle): Handle {
    const shape = broadcastShape(condition.shape, broadcastShape(x.shape, y.shape));
    return one("Where", [condition, x, y], shape, {}, x.dtype);
  }

  function cast(x: Handle, dtype: GraphDType): Handle {
    if (x.dtype === dtype) return x;
    return one("Cast", [x], x.shape, { to: { dtype } }, dtype);
  }

  function reshape(x: Handle, shape: Shape): Handle {
    if (sameShape(x.shape, shape)) return x;
    if (sizeOf(x.shape) !== sizeOf(shape)) {
      throw new Error(`[${x.shape.join()}] cannot become [${shape.join()}]`);
    }
    return one("Reshape", [x, ints(shape)], shape);
  }

  function transpose(x: Handle, perm: readonly number[]): Handle {
    const producer = graph.producer(x);
    if (producer?.op === "Transpose") {
      const inner = producer.attributes.perm as readonly number[];
      const source = graph.handle(producer.inputs[0] as string);
      return transpose(
        source,
        perm.map((axis) => dim(inner, axis)),
      );
    }
    const shape = perm.map((axis) => dim(x.shape, axis));
    // Moving only axes of size 1 leaves the order of the elements as it is.
    const long = perm.filter((axis) => x.shape[axis] !== 1);
    if (long.every((axis, i) => i === 0 || axis > (long[i - 1] as number)))
      return reshape(x, shape);
    return moved(x, (words) => one("Transpose", [words], shape, { perm }));
  }

  /** Moves elements about; bytes as words where the target moves no bytes. */
  function onWords(x: Handle, move: (words: Handle) => readonly Handle[]): readonly Handle[] {
    const narrow = x.dtype === "u8" || x.dtype === "bool";
    if (target.has.bytes || !narrow) return move(x);
    return move(cast(x, "i32")).map((result) => cast(result, x.dtype));
  }
  const moved = (x: Handle, move: (words: Handle) => Handle): Handle =>
    onWords(x, (words) => [move(words)])[0] as Handle;

  function slice(x: Handle, slices: readonly SliceAxis[]): Handle {
    const shape = [...x.shape];
    const kept = slices.filter(({ axis, start, end, step = 1 }) => {
      shape[axis] = Math.ceil((end - start) / step);
      return start !== 0 || end !== x.shape[axis] || step !== 1;
    });
    if (kept.length === 0) return x;
    if (!target.has.integerSlice && x.dtype !== "f32") {
      return kept.reduce((value, { axis, step = 1, start, end }) => {
        const count = Math.ceil((end - start) / step);
        return rows(
          value,
          axis,
          Array.from({ length: count }, (_, i) => start + i * step),
        );
      }, x);
    }
    const inputs = [
      x,
      ints(kept.map((s) => s.start)),
      ints(kept.map((s) => s.end)),
      ints(kept.map((s) => s.axis)),
    ];
    if (kept.some((s) => (s.step ?? 1) !== 1)) inputs.push(ints(kept.map((s) => s.step ?? 1)));
    return one("Slice", inputs, shape);
  }

  function pad(x: Handle, before: readonly number[], after: readonly number[], value = 0): Handle {
    if (before.every((n) => n === 0) && after.every((n) => n === 0)) return x;
    const shape = x.shape.map((size, i) => size + dim(before, i) + dim(after, i));
    return moved(x, (words) =>
      one("Pad", [words, ints([...before, ...after]), scalar(value, words.dtype)], shape),
    );
  }

  function concat(xs: readonly Handle[], axis: number): Handle {
    const [first] = xs;
    if (first === undefined) throw new Error("nothing to concatenate");
    if (xs.length === 1) return first;
    const shape = [...first.shape];
    shape[axis] = xs.reduce((sum, x) => sum + dim(x.shape, axis), 0);
    if (first.dtype === "f32" || target.has.bytes) return one("Concat", xs, shape, { axis });
    const words = xs.map((x) => (x.dtype === "u8" || x.dtype === "bool" ? cast(x, "i32") : x));
    return cast(one("Concat", words, shape, { axis }), first.dtype);
  }

  /** The parts of x along an axis, of the given sizes; in stages where a Split has too few results. */
  function split(x: Handle, axis: number, sizes: readonly number[]): readonly Handle[] {
    if (sizes.length === 1) return [x];
    const most = target.has.splitResults;
    if (sizes.length > most) {
      const each = Math.ceil(sizes.length / most);
      const count = Math.ceil(sizes.length / each);
      const groups = Array.from({ length: count }, (_, i) => sizes.slice(i * each, (i + 1) * each));
      const wholes = split(
        x,
        axis,
        groups.map((group) => group.reduce((sum, size) => sum + size, 0)),
      );
      return groups.flatMap((group, i) => split(wholes[i] as Handle, axis, group));
    }
    return onWords(x, (words) =>
      graph.node(
        "Split",
        [words, ints(sizes)],
        { axis },
        sizes.map((size) => ({ dtype: words.dtype, shape: x.shape.toSpliced(axis, 1, size) })),
      ),
    );
  }

  /** Rows of x along an axis in the given order. */
  function rows(x: Handle, axis: number, order: readonly number[]): Handle {
    const shape = x.shape.toSpliced(axis, 1, order.length);
    return moved(x, (words) => one("Gather", [words, ints(order)], shape, { axis }));
  }

  const expand = (x: Handle, shape: Shape): Handle =>
    sameShape(x.shape, shape) ? x : one("Expand", [x, ints(shape)], shape);

  /** One reduction as ONNX has it; `lower/reduce.ts` splits it where that is faster. */
  function reduce(op: ReduceOp, x: Handle, axes: readonly number[], keepDims: boolean): Handle {
    if (axes.length === 0) return x;
    const shape = keepDims
      ? x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
      : x.shape.filter((_, axis) => !axes.includes(axis));
    const keepdims = keepDims ? 1 : 0;
    // Operator set 17: the axes of ReduceSum are an input, those of the others an attribute.
    return op === "ReduceSum"
      ? one(op, [x, ints(axes)], shape, { keepdims })
      : one(op, [x], shape, { axes, keepdims });
  }

  /** Rows for columns. */
  function swapLast(x: Handle): Handle {
    const axes = x.shape.map((_, i) => i);
    const rank = axes.length;
    return transpose(x, [...axes.slice(0, -2), rank - 1, rank - 2]);
  }

  /** `[…, a, b] × […, b, c]`, leading axes broadcasting. */
  function matmul(x: Handle, y: Handle, transA = false, transB = false): Handle {
    const rows = dim(x.shape, x.shape.length - (transA ? 1 : 2));
    const columns = dim(y.shape, y.shape.length - (transB ? 2 : 1));
    const shape = [...broadcastShape(x.shape.slice(0, -2), y.shape.slice(0, -2)), rows, columns];
    if (!transA && !transB) return one("MatMul", [x, y], shape);
    if (!target.has.fusedMatMul) {
      return one("MatMul", [transA ? swapLast(x) : x, transB ? swapLast(y) : y], shape);
    }
    return one("ms:FusedMatMul", [x, y], shape, {
      transA: transA ? 1 : 0,
      transB: transB ? 1 : 0,
    });
  }

  /** `x × y + bias` of matrices. */
  function gemm(
    x: Handle,
    y: Handle,
    bias: Handle | null,
    transA: boolean,
    transB: boolean,
  ): Handle {
    const shape = [dim(x.shape, transA ? 1 : 0), dim(y.shape, transB ? 0 : 1)];
    return one("Gemm", bias === null ? [x, y] : [x, y, bias], shape, {
      ...(transA ? { transA: 1 } : {}),
      ...(transB ? { transB: 1 } : {}),
    });
  }

  function conv(x: Handle, filter: Handle, bias: Handle | null, g: ConvGeometry): Handle {
    const kernel = [dim(filter.shape, 2), dim(filter.shape, 3)] as const;
    const size = windowedSize([dim(x.shape, 2), dim(x.shape, 3)], kernel, g);
    return one(
      "Conv",
      bias === null ? [x, filter] : [x, filter, bias],
      [dim(x.shape, 0), dim(filter.shape, 0), ...size],
      {
        kernel_shape: kernel,
        strides: g.strides,
        pads: g.pads,
        dilations: g.dilations,
        group: g.groups,
      },
    );
  }

  /** The adjoint of `conv` with the same filter, for inputs of `inputSize`. */
  function convTranspose(dy: Handle, filter: Handle, g: ConvGeometry, inputSize: Pair): Handle {
    const kernel = [dim(filter.shape, 2), dim(filter.shape, 3)] as const;
    // Rows at the end that no window reached; the formula is that of ONNX ConvTranspose.
    const rest = ([0, 1] as const).map(
      (i) =>
        inputSize[i] -
        ((dim(dy.shape, 2 + i) - 1) * g.strides[i] +
          reach(kernel[i], g.dilations[i]) -
          g.pads[i] -
          g.pads[i === 0 ? 2 : 3]),
    );
    return one(
      "ConvTranspose",
      [dy, filter],
      [dim(dy.shape, 0), dim(filter.shape, 1) * g.groups, ...inputSize],
      {
        kernel_shape: kernel,
        strides: g.strides,
        pads: g.pads,
        dilations: g.dilations,
        group: g.groups,
        output_padding: rest,
      },
    );
  }

  /** Repeats the pixels of an NCHW image. */
  function upsample(x: Handle, [sh, sw]: Pair): Handle {
    if (sh === 1 && sw === 1) return x;
    const [n, c, h, w] = [0, 1, 2, 3].map((axis) => dim(x.shape, axis)) as [
      number,
      number,
      number,
      number,
    ];
    return one(
      "Resize",
      [x, null, graph.constant("f32", [4], [1, 1, sh, sw])],
      [n, c, h * sh, w * sw],
      {
        mode: "nearest",
        coordinate_transformation_mode: "asymmetric",
        nearest_mode: "floor",
      },
    );
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

  const add = (x: Handle, y: Handle): Handle => binary("Add", x, y);
  const sub = (x: Handle, y: Handle): Handle => binary("Sub", x, y);
  const mul = (x: Handle, y: Handle): Handle => binary("Mul", x, y);
  const div = (x: Handle, y: Handle): Handle => binary("Div", x, y);
  const scale = (x: Handle, factor: number): Handle =>
    factor === 1 ? x : mul(x, scalar(factor, x.dtype));

  return {
    graph,
    target,
    node: one,
    scalar,
    ints,
    constant,
    unary,
    binary,
    where,
    cast,
    reshape,
    transpose,
    slice,
    pad,
    concat,
    split,
    rows,
    moved,
    expand,
    reduce,
    matmul,
    gemm,
    conv,
    convTranspose,
    upsample,
    activate,
    add,
    sub,
    mul,
    div,
    scale,
  };
}
