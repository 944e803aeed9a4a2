/**
 * @file The gate equations of recurrent cells. One step of each; loops and layers are built on them.
 *
 * Gates lie side by side in one kernel `[inputs, gates·units]`, one recurrent kernel
 * `[units, gates·units]` and one bias. Their order is that of PyTorch (and, for LSTM, of Keras):
 * lstm i, f, g, o; gru r, z, n (Keras has z, r, n).
 */
import type { InitSpec } from "@dlc/runtime";
import { shapeOf, type Value } from "../../ir/types.js";
import type { Builder } from "../../ops/define-op.js";
import { type ActivationName, activate } from "../activation/activations.js";
import { scalar } from "../shared.js";

/** The trained tensors of a cell, apart from the kernel and bias that make `projected`. */
export interface CellWeights {
  readonly recurrent: Value;
  /** Bias inside of the recurrent product (gru); null where the cell has none. */
  readonly recurrentBias: Value | null;
}

export interface CellStep extends CellWeights {
  readonly b: Builder;
  /** x·kernel + bias, `[n, gates·units]`. */
  readonly projected: Value;
  /** `[n, units]` each; the first is the output of the step before. */
  readonly states: readonly Value[];
  /** The first state as the recurrent product sees it: with its dropout applied. */
  readonly hidden: Value;
  readonly units: number;
  readonly activation: ActivationName;
  readonly gateActivation: ActivationName;
}

export interface Cell {
  readonly gates: number;
  /** Names of the states. */
  readonly states: readonly [string, ...string[]];
  readonly hasRecurrentBias: boolean;
  readonly biasInit: (unitForgetBias: boolean) => InitSpec;
  /** The next states. */
  readonly step: (step: CellStep) => readonly [Value, ...Value[]];
}

const plain = { transposeA: false, transposeB: false, activation: "none" } as const;

/** Gate number `gate` of a row of gates. */
function gateOf(b: Builder, gates: Value, gate: number, units: number): Value {
  const axis = shapeOf(gates).length - 1;
  return b.slice(gates, { axes: [axis], starts: [gate * units], ends: [(gate + 1) * units] });
}

/** h ← activation(x·W + b + h·U)   (Elman 1990) */
export const simpleCell: Cell = {
  gates: 1,
  states: ["h"],
  hasRecurrentBias: false,
  biasInit: () => ({ kind: "zeros" }),
  step: ({ b, projected, hidden, recurrent, activation }) => [
    activate(b, activation, b.add(projected, b.matmul(hidden, recurrent, plain))),
  ],
};

/**
 * i, f, o = σ(…), g = tanh(…) of x·W + b + h·U;  c ← f·c + i·g;  h ← o·tanh(c)
 * (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000; its bias of 1: Jozefowicz et al. 2015)
 */
export const lstmCell: Cell = {
  gates: 4,
  states: ["h", "c"],
  hasRecurrentBias: false,
  biasInit: (unitForgetBias) => ({ kind: unitForgetBias ? "unit_forget" : "zeros" }),
  step: ({ b, projected, hidden, states, recurrent, units, activation, gateActivation }) => {
    const sums = b.add(projected, b.matmul(hidden, recurrent, plain));
    const gate = (i: number, name: ActivationName): Value =>
      activate(b, name, gateOf(b, sums, i, units));
    const [input, forget, output] = [0, 1, 3].map((i) => gate(i, gateActivation)) as [
      Value,
      Value,
      Value,
    ];
    const candidate = gate(2, activation);
    const memory = b.add(b.mul(forget, states[1] as Value), b.mul(input, candidate));
    return [b.mul(output, activate(b, activation, memory)), memory];
  },
};

/**
 * r, z = σ(…);  n = tanh(x·Wn + bn + r·(h·Un + cn));  h ← (1 − z)·n + z·h
 * (Cho et al. 2014, with the reset gate behind the product as in cuDNN, PyTorch and Keras 2)
 */
export const gruCell: Cell = {
  gates: 3,
  states: ["h"],
  hasRecurrentBias: true,
  biasInit: () => ({ kind: "zeros" }),
  step: ({ b, projected, hidden, states, recurrent, recurrentBias, units, ...names }) => {
    const [before] = states as readonly [Value];
    const product = b.matmul(hidden, recurrent, plain);
    const sums = recurrentBias === null ? product : b.add(product, recurrentBias);
    const gate = (i: number): Value =>
      activate(
        b,
        names.gateActivation,
        b.add(gateOf(b, projected, i, units), gateOf(b, sums, i, units)),
      );
    const [reset, update] = [gate(0), gate(1)];
    const inner = b.mul(reset, gateOf(b, sums, 2, units));
    const candidate = activate(b, names.activation, b.add(gateOf(b, projected, 2, units), inner));
    const rest = b.sub(scalar(b, 1), update);
    return [b.add(b.mul(rest, candidate), b.mul(update, before))];
  },
};
