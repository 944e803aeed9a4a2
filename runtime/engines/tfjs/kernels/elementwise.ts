/** @file Elementwise ops, and the choice of the layout in which they are computed. */
import type { FusedActivation, Ops } from "../../../ops.js";
import type { DType } from "../../../tensor.js";
import type { ElementwiseOp } from "../../op-families.js";
import type { Backend } from "../backend.js";
import { type Tensor, toLast, Value, wholeType } from "../value.js";

/** Elements that computing in a layout would have to move first. */
const moved = (values: readonly Value[], there: (value: Value) => boolean): number =>
  values.reduce((sum, value) => sum + (there(value) ? 0 : value.size), 0);

/** Whether to compute on images with their channels last: what moves less, and the other's twin if equal. */
function prefersLast(values: readonly Value[]): boolean {
  if (!values.some((value) => value.isLast)) return false;
  if (values.some(({ shape }) => shape.length > 4)) return false;
  const images = values.filter(({ shape }) => shape.length === 4);
  return moved(images, (value) => value.isLast) <= moved(images, (value) => value.isPlain);
}

/** A tensor that broadcasts with images that have their channels last. */
function aligned(tf: Backend["tf"], value: Value): Tensor {
  const { shape } = value;
  if (shape.length === 4) return value.last();
  if (value.size === 1) return tf.reshape(value.plain(), []);
  const padded = [...new Array<number>(4 - shape.length).fill(1), ...shape];
  const flat = tf.reshape(value.plain(), padded);
  return padded.filter((size) => size > 1).length === 1
    ? tf.reshape(
        flat,
        toLast.map((axis) => padded[axis] as number),
      )
    : tf.transpose(flat, toLast);
}

/** Computes elementwise, with broadcasting, in the layout in which the values are. */
export function elementwise(
  b: Backend,
  values: readonly Value[],
  dtype: DType,
  compute: (...tensors: Tensor[]) => Tensor,
): Value {
  if (!prefersLast(values)) {
    return b.plain(dtype, compute(...values.map((value) => value.plain())));
  }
  const last = compute(...values.map((value) => aligned(b.tf, value)));
  return new Value(b.tf, dtype, { last });
}

/** As C converts: fractions are cut off, integers wrap around, anything but 0 is true. */
function convert({ tf }: Backend, x: Tensor, from: DType, to: DType): Tensor {
  const whole = (): Tensor => (x.dtype === "int32" ? x : tf.cast(x, "int32"));
  switch (to) {
    case "f32": {
      const float = tf.cast(x, "float32");
      // The bits of a u32 from 2^31 on are those of a negative int32.
      return from === "u32" ? tf.where(tf.less(float, 0), tf.add(float, 2 ** 32), float) : float;
    }
    case "u8":
      return from === "u8" ? x : tf.mod(whole(), tf.scalar(256, "int32"));
    case "bool":
      return x.dtype === "bool" ? x : tf.notEqual(x, tf.zerosLike(x));
    case "i32":
    case "u32":
      return whole();
  }
}

export function activate(tf: Backend["tf"], x: Tensor, activation: FusedActivation): Tensor {
  const activations: Readonly<Record<FusedActivation, (tensor: Tensor) => Tensor>> = {
    none: (tensor) => tensor,
    relu: (tensor) => tf.relu(tensor),
    sigmoid: (tensor) => tf.sigmoid(tensor),
    tanh: (tensor) => tf.tanh(tensor),
  };
  return activations[activation](x);
}

export function elementwiseOps(b: Backend): Pick<Ops<Value>, ElementwiseOp> {
  const { tf } = b;
  const unary =
    (compute: (x: Tensor) => Tensor) =>
    (x: Value): Value =>
      elementwise(b, [x], x.dtype, compute);
  const binary =
    (compute: (x: Tensor, y: Tensor) => Tensor) =>
    (x: Value, y: Value): Value =>
      elementwise(b, [x, y], x.dtype, compute);
  const compare =
    (compute: (x: Tensor, y: Tensor) => Tensor) =>
    (x: Value, y: Value): Value =>
      elementwise(b, [x, y], "bool", compute);

  return {
    neg: unary((x) => tf.neg(x)),
    exp: unary((x) => tf.exp(x)),
    log: unary((x) => tf.log(x)),
    sqrt: unary((x) => tf.sqrt(x)),
    rsqrt: unary((x) => tf.rsqrt(x)),
    square: unary((x) => tf.mul(x, x)),
    reciprocal: unary((x) => tf.reciprocal(x)),
    abs: unary((x) => tf.abs(x)),
    sign: unary((x) => tf.sign(x)),
    floor: unary((x) => tf.floor(x)),
    sin: unary((x) => tf.sin(x)),
    cos: unary((x) => tf.cos(x)),
    erf: unary((x) => tf.erf(x)),
    relu: unary((x) => tf.relu(x)),
    sigmoid: unary((x) => tf.sigmoid(x)),
    tanh: unary((x) => tf.tanh(x)),
    softplus: unary((x) => tf.softplus(x)),
    logicalNot: unary((x) => tf.logicalNot(x)),
    stopGradient: (x) => x,
    // Step is 1 above 0 and `alpha` elsewhere.
    reluGrad: binary((dy, y) => tf.mul(dy, tf.step(y, 0))),
    cast: (x, { dtype }) =>
      elementwise(b, [x], wholeType(dtype), (t) => convert(b, t, x.dtype, wholeType(dtype))),

    add: binary((x, y) => tf.add(x, y)),
    sub: binary((x, y) => tf.sub(x, y)),
    mul: binary((x, y) => tf.mul(x, y)),
    div: binary((x, y) => tf.div(x, y)),
    pow: binary((x, y) => tf.pow(x, y)),
    maximum: binary((x, y) => tf.maximum(x, y)),
    minimum: binary((x, y) => tf.minimum(x, y)),
    equal: compare((x, y) => tf.equal(x, y)),
    less: compare((x, y) => tf.less(x, y)),
    lessEqual: compare((x, y) => tf.lessEqual(x, y)),
    greater: compare((x, y) => tf.greater(x, y)),
    greaterEqual: compare((x, y) => tf.greaterEqual(x, y)),
    logicalAnd: compare((x, y) => tf.logicalAnd(x, y)),
    logicalOr: compare((x, y) => tf.logicalOr(x, y)),
    select: (condition, x, y) =>
      elementwise(b, [condition, x, y], x.dtype, (c, t, e) => tf.where(c, t, e)),
  };
}
