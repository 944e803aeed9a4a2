/** @file What simple_rnn, lstm and gru have in common: all but the cell. */
import { formatShape } from "../../ir/shape.js";
import { shapeOf, type Value } from "../../ir/types.js";
import { type ActivationName, activationNames } from "../activation/activations.js";
import { defineLayer, type LayerContext, type LayerDef } from "../define-layer.js";
import { choice, type Field, flag, initializer, number, positiveInteger } from "../fields.js";
import { initOf } from "../init.js";
import { scalar, sequenceSize } from "../shared.js";
import type { Cell, CellWeights } from "./cells.js";
import { overTime, stepsThere } from "./over-time.js";

const rate = (description: string): Field<number> =>
  number(description, { minimum: 0, exclusiveMaximum: 1 }, 0);

/** Fields of cells, alone or in a layer. */
export const cellFields = {
  units: positiveInteger("Length of the state and of each output."),
  activation: choice("Of the candidate and of what leaves the cell.", activationNames, "tanh"),
  bias: flag("Add trained biases.", true),
  kernel_initializer: initializer("How the kernel starts.", "glorot_uniform"),
  recurrent_initializer: initializer("How the recurrent kernel starts.", "orthogonal"),
  l1: number("Penalty on the absolute values of both kernels: l1·Σ|w|.", { minimum: 0 }, 0),
  l2: number("Penalty on the squares of both kernels: l2·Σw².", { minimum: 0 }, 0),
};

/** Fields of cells with gates. */
export const gateFields = {
  recurrent_activation: choice("Of the gates.", activationNames, "sigmoid"),
};

export const forgetField = {
  unit_forget_bias: flag(
    "The forget gate's bias starts at 1, so that the memory lasts (Jozefowicz et al. 2015).",
    true,
  ),
};

const layerFields = {
  ...cellFields,
  return: choice(
    "last: the output of the last step; sequence: the outputs of all steps; state: everything that goes from step to step.",
    ["last", "sequence", "state"],
    "last",
  ),
  bidirectional: flag(
    "Reads the sequence in both directions, with weights for each, and joins the results.",
    false,
  ),
  go_backwards: flag("Starts with the last step; outputs keep their places in time.", false),
  dropout: rate("Share of the inputs that is dropped while training, the same in all steps."),
  recurrent_dropout: rate(
    "Share of the state that is dropped on its way into the next step while training, the same in all steps (Gal & Ghahramani 2016).",
  ),
};

type CellFieldValues = {
  readonly [K in keyof typeof cellFields]: (typeof cellFields)[K] extends Field<infer T>
    ? T
    : never;
};

/** What `lower` gets, for whichever of the layers. */
export type RecurrentContext = LayerContext<typeof layerFields>;

/** The cell's activations by field; without gates their field is missing. */
export const activationsOf = (
  fields: Readonly<Record<string, unknown>>,
): { activation: ActivationName; gateActivation: ActivationName } => ({
  activation: fields.activation as ActivationName,
  gateActivation: (fields.recurrent_activation as ActivationName | undefined) ?? "sigmoid",
});

/** The weights of a cell; `prefix` tells those of a second direction apart. */
export function cellWeights(
  cell: Cell,
  {
    fields,
    weight,
  }: { fields: CellFieldValues & { unit_forget_bias?: boolean } } & Pick<
    RecurrentContext,
    "weight"
  >,
  inputs: number,
  prefix = "",
): CellWeights & { readonly kernel: Value; readonly bias: Value | null } {
  const { units, l1, l2 } = fields;
  const width = cell.gates * units;
  const options = { decay: true, l1, l2 };
  const init = initOf(fields.kernel_initializer, inputs, width);
  const kernel = weight(`${prefix}kernel`, [inputs, width], init, options);
  const recurrent = weight(
    `${prefix}recurrent_kernel`,
    [units, width],
    initOf(fields.recurrent_initializer, units, width),
    options,
  );
  if (!fields.bias) return { kernel, recurrent, bias: null, recurrentBias: null };
  const bias = weight(`${prefix}bias`, [width], cell.biasInit(fields.unit_forget_bias ?? false));
  const recurrentBias = cell.hasRecurrentBias
    ? weight(`${prefix}recurrent_bias`, [width], { kind: "zeros" })
    : null;
  return { kernel, recurrent, bias, recurrentBias };
}

/** 0 where an element is dropped, else 1/(1 − rate). */
function dropMask(
  { b, random }: Pick<RecurrentContext, "b" | "random">,
  like: Value,
  rate: number,
): Value {
  const kept = b.greaterEqual(random(shapeOf(like)), scalar(b, rate));
  return b.mul(b.cast(kept, { dtype: "f32" }), scalar(b, 1 / (1 - rate)));
}

/** The states before the first step, one list per direction: zeros, or what `from: {state}` gives. */
function initialStates(cell: Cell, context: RecurrentContext, directions: number): Value[][] {
  const { b, x, inputs, inputRoles, fields, reject } = context;
  const [batch = "n"] = shapeOf(x);
  const given = inputs[inputRoles.indexOf("state")];
  const count = cell.states.length;
  if (given === undefined) {
    const zeros = b.constant({ dtype: "f32", shape: [batch, fields.units], value: 0 });
    return Array.from({ length: directions }, () => Array.from({ length: count }, () => zeros));
  }
  const width = directions * count * fields.units;
  const shape = shapeOf(given);
  if (shape.length !== 2 || shape[1] !== width) {
    const wanted = formatShape([batch, width]);
    return reject(`needs an initial state of ${wanted}, but gets ${formatShape(shape)}`, "state");
  }
  const part = (i: number): Value =>
    b.slice(given, { axes: [1], starts: [i * fields.units], ends: [(i + 1) * fields.units] });
  return Array.from({ length: directions }, (_, d) =>
    Array.from({ length: count }, (_, i) => part(d * count + i)),
  );
}

interface Direction {
  readonly reverse: boolean;
  readonly prefix: string;
  readonly states: readonly Value[];
  /** Which steps are there: bool `[steps, n, 1]`; null: all. */
  readonly there: Value | null;
}

/** One direction: `[steps, n, units]` of outputs and the last states. */
function runDirection(
  cell: Cell,
  context: RecurrentContext,
  steps: Value,
  { reverse, prefix, states, there }: Direction,
): { readonly sequence: Value; readonly last: readonly Value[] } {
  const { b, fields, training } = context;
  const { units } = fields;
  const inputs = shapeOf(steps)[2] as number;
  const { kernel, bias, ...weights } = cellWeights(cell, context, inputs, prefix);
  // The part of all steps that does not depend on the state is one large product.
  const product = b.matmul(steps, kernel, {
    transposeA: false,
    transposeB: false,
    activation: "none",
  });
  const projected = bias === null ? product : b.add(product, bias);
  const dropped = training && fields.recurrent_dropout > 0;
  const mask = dropped ? dropMask(context, states[0] as Value, fields.recurrent_dropout) : null;
  const result = overTime({
    b,
    states,
    sequences: there === null ? [projected] : [projected, there],
    reverse,
    step: (current, [slice, isThere]) => {
      const [before] = current as readonly [Value];
      const next = cell.step({
        ...{ b, units, states: current, projected: slice as Value },
        ...weights,
        ...activationsOf(fields),
        hidden: mask === null ? before : b.mul(before, mask),
      });
      if (isThere === undefined) return { states: next, outputs: [next[0]] };
      // Padding leaves the state as it is, so the last one is that of the last step that is there.
      return {
        states: next.map((value, i) => b.select(isThere, value, current[i] as Value)),
        outputs: [b.select(isThere, next[0], scalar(b, 0))],
      };
    },
  });
  return { sequence: result.outputs[0] as Value, last: result.states };
}

function lowerRecurrent(cell: Cell, context: RecurrentContext): Value {
  const { b, x, fields, masks, training, reject, also, setMask } = context;
  const { channels } = sequenceSize(x, reject);
  const [batch = "n"] = shapeOf(x);
  const directions = fields.bidirectional ? 2 : 1;
  const states = initialStates(cell, context, directions);
  let read = x;
  if (training && fields.dropout > 0) {
    const like = b.constant({ dtype: "f32", shape: [batch, 1, channels], value: 0 });
    read = b.mul(x, dropMask(context, like, fields.dropout));
  }
  const steps = b.transpose(read, { perm: [1, 0, 2] });
  const [mask = null] = masks;
  const there = mask === null ? null : stepsThere(b, mask);
  const results = states.map((own, d) =>
    runDirection(cell, context, steps, {
      reverse: fields.go_backwards !== (d === 1),
      prefix: d === 1 ? "backward_" : "",
      states: own,
      there,
    }),
  );
  const join = (values: readonly Value[], axis: number): Value =>
    values.length === 1 ? (values[0] as Value) : b.concat(values, { axis });
  const outputs = {
    sequence: b.transpose(
      join(
        results.map(({ sequence }) => sequence),
        2,
      ),
      { perm: [1, 0, 2] },
    ),
    last: join(
      results.map(({ last }) => last[0] as Value),
      1,
    ),
    state: join(
      results.flatMap(({ last }) => last),
      1,
    ),
  };
  for (const [name, value] of Object.entries(outputs)) {
    also(name, value, name === "sequence" ? mask : null);
  }
  setMask(fields.return === "sequence" ? mask : null);
  return outputs[fields.return];
}

type LayerFieldValues = RecurrentContext["fields"];

const looksAhead = (fields: LayerFieldValues, role: string): boolean =>
  fields.bidirectional || fields.go_backwards || fields.return !== "sequence" || role === "state";

/**
 * A layer that runs a cell over a sequence. Of sequences with padding each runs over its own steps:
 * the other direction begins at its last one, as PyTorch's packed sequences have it.
 */
export function recurrentLayer<const F extends Record<string, Field<unknown>>>(definition: {
  readonly type: string;
  readonly summary: string;
  readonly cell: Cell;
  readonly fields: F;
  readonly shapes: string;
  readonly example: string;
}): LayerDef<typeof layerFields & F> {
  const { cell, fields, ...rest } = definition;
  return defineLayer<typeof layerFields & F>({
    ...rest,
    inputs: "one",
    primary: "units",
    fields: { ...layerFields, ...fields },
    padding: "handles",
    looksAhead: (values, role) => looksAhead(values as unknown as LayerFieldValues, role),
    roles: {
      state: "The state before the first step, as `return: state` gives it; default zeros.",
    },
    outputs: {
      sequence: "The outputs of all steps.",
      last: "The output of the last step.",
      state: "Everything that goes from step to step, after the last one.",
    },
    lower: (context) => lowerRecurrent(cell, context as unknown as RecurrentContext),
  });
}
