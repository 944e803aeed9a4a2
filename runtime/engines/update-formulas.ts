/** @file The optimiser updates of the contract (ops.ts), written out for any engine's arithmetic. */
import type { Ops } from "../ops.js";

/** Elementwise, broadcasting; numbers become scalars. */
export interface Arithmetic<T> {
  add(x: T, y: T): T;
  sub(x: T, y: T): T;
  mul(x: T, y: T): T;
  div(x: T, y: T): T;
  /** x · factor */
  scale(x: T, factor: number): T;
  scalar(value: number): T;
  sqrt(x: T): T;
  /** -1, 0 or 1. */
  sign(x: T): T;
}

/** The options of an update. */
type Options<
  K extends "applyMomentum" | "applyAdam" | "applyRmsprop" | "applyAdagrad" | "applyLion",
> = Parameters<Ops<unknown>[K]> extends [...unknown[], infer O] ? O : never;

/** What Adam's bias corrections make of the learning rate and ε, as scalars. */
export interface AdamScalars<T> {
  /** lr · s / (1 − β1^t), with s = sqrt(1 − β2^t). */
  readonly size: T;
  /** ε · s */
  readonly floor: T;
}

export function updateFormulas<T>({
  add,
  sub,
  mul,
  div,
  scale,
  scalar,
  sqrt,
  sign,
}: Arithmetic<T>) {
  /** factor·old + (1 − factor)·value */
  const decayed = (old: T, value: T, factor: number): T =>
    add(scale(old, factor), scale(value, 1 - factor));

  return {
    sgd: (weight: T, gradient: T, rate: T): T => sub(weight, mul(gradient, rate)),

    momentum(
      weight: T,
      velocity: T,
      gradient: T,
      rate: T,
      { momentum, nesterov }: Options<"applyMomentum">,
    ): readonly [T, T] {
      const moved = add(scale(velocity, momentum), gradient);
      const direction = nesterov ? add(gradient, scale(moved, momentum)) : moved;
      return [sub(weight, mul(direction, rate)), moved];
    },

    /**
     * The form of Kingma & Ba, section 2: with s = sqrt(1 − β2^t), the step is
     * lr·s/(1 − β1^t) · m / (sqrt(v) + ε·s).
     */
    adam(
      weight: T,
      m: T,
      v: T,
      gradient: T,
      rate: T,
      { size, floor }: AdamScalars<T>,
      { beta1, beta2, weightDecay }: Options<"applyAdam">,
    ): readonly [T, T, T] {
      const nextM = decayed(m, gradient, beta1);
      const nextV = decayed(v, mul(gradient, gradient), beta2);
      const move = mul(div(nextM, add(sqrt(nextV), floor)), size);
      const kept =
        weightDecay === 0 ? weight : mul(weight, sub(scalar(1), scale(rate, weightDecay)));
      return [sub(kept, move), nextM, nextV];
    },

    rmsprop(
      weight: T,
      squares: T,
      velocity: T,
      gradient: T,
      rate: T,
      { rho, momentum, epsilon }: Options<"applyRmsprop">,
    ): readonly [T, T, T] {
      const nextSquares = decayed(squares, mul(gradient, gradient), rho);
      const root = add(sqrt(nextSquares), scalar(epsilon));
      const moved = add(scale(velocity, momentum), div(gradient, root));
      return [sub(weight, mul(moved, rate)), nextSquares, moved];
    },

    adagrad(
      weight: T,
      squares: T,
      gradient: T,
      rate: T,
      { epsilon }: Options<"applyAdagrad">,
    ): readonly [T, T] {
      const nextSquares = add(squares, mul(gradient, gradient));
      const root = add(sqrt(nextSquares), scalar(epsilon));
      return [sub(weight, mul(div(gradient, root), rate)), nextSquares];
    },

    lion(
      weight: T,
      m: T,
      gradient: T,
      rate: T,
      { beta1, beta2, weightDecay }: Options<"applyLion">,
    ): readonly [T, T] {
      const direction = sign(decayed(m, gradient, beta1));
      const whole = weightDecay === 0 ? direction : add(direction, scale(weight, weightDecay));
      return [sub(weight, mul(whole, rate)), decayed(m, gradient, beta2)];
    },
  };
}
