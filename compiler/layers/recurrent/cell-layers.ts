/** @file Single steps of recurrent layers, for the cells of `recurrent`. */
import { formatShape, sameShape } from "../../ir/shape.js";
import { shapeOf, type Value } from "../../ir/types.js";
import { type AnyLayerDef, defineLayer } from "../define-layer.js";
import type { Field } from "../fields.js";
import { lastSize } from "../shared.js";
import { type Cell, gruCell, lstmCell, simpleCell } from "./cells.js";
import { activationsOf, cellFields, cellWeights, forgetField, gateFields } from "./layer.js";

function cellLayer(
  type: string,
  cell: Cell,
  more: Readonly<Record<string, Field<unknown>>>,
  summary: string,
): AnyLayerDef {
  const width = cell.states.length === 1 ? "units" : `${cell.states.length}·units`;
  return defineLayer({
    type,
    summary,
    inputs: "one",
    primary: "units",
    fields: { ...cellFields, ...more },
    roles: { state: `The state before the step, [n, ${width}].` },
    outputs: { state: `The state after the step, [n, ${width}].` },
    padding: "passes",
    shapes: "[n, inputs] → [n, units]",
    example: `${type}: { units: 16, state: h }`,
    lower: ({ b, x, inputs, inputRoles, fields, weight, also, reject }) => {
      const { units } = fields;
      const size = lastSize(x, reject);
      const before = inputs[inputRoles.indexOf("state")];
      if (before === undefined) return reject("needs the state that it goes on from: set `state`");
      const [batch = "n"] = shapeOf(x);
      const wanted = [batch, cell.states.length * units];
      if (shapeOf(x).length !== 2 || !sameShape(shapeOf(before), wanted)) {
        const given = `${formatShape(shapeOf(x))} and ${formatShape(shapeOf(before))}`;
        return reject(
          `needs an input [n,inputs] and a state ${formatShape(wanted)}, but gets ${given}`,
        );
      }
      const states = cell.states.map(
        (_, i): Value =>
          cell.states.length === 1
            ? before
            : b.slice(before, { axes: [1], starts: [i * units], ends: [(i + 1) * units] }),
      );
      const { kernel, bias, ...weights } = cellWeights(cell, { fields, weight }, size);
      const product = b.matmul(x, kernel, {
        transposeA: false,
        transposeB: false,
        activation: "none",
      });
      const next = cell.step({
        ...{ b, units, states, hidden: states[0] as Value },
        ...weights,
        ...activationsOf(fields),
        projected: bias === null ? product : b.add(product, bias),
      });
      also("state", next.length === 1 ? next[0] : b.concat(next, { axis: 1 }));
      return next[0];
    },
  });
}

export const cellLayers: readonly AnyLayerDef[] = [
  cellLayer(
    "rnn_cell",
    simpleCell,
    {},
    "One step of simple_rnn, in the cell of a recurrent layer. Its output is the next state.",
  ),
  cellLayer(
    "lstm_cell",
    lstmCell,
    { ...gateFields, ...forgetField },
    "One step of lstm, in the cell of a recurrent layer. The state is output and memory, joined: `next: { s: name.state }`.",
  ),
  cellLayer(
    "gru_cell",
    gruCell,
    gateFields,
    "One step of gru, in the cell of a recurrent layer. Its output is the next state.",
  ),
];
