/** @file `dlc doctor --matrix`: how every engine computes every op. */
import { engineEntries } from "@dlc/runtime";
import { opKinds } from "../../../ops/index.js";
import {
  cellText,
  columnTitle,
  type EngineMatrix,
  engineMatrix,
  legend,
  verdictOf,
} from "../../../reference/engine-matrix.js";
import type { Console } from "../../console.js";
import { table } from "../../table.js";

function asDocument({ columns, absent }: EngineMatrix): object {
  return {
    engines: columns.map(({ engine, devices, cells }) => ({
      engine,
      devices,
      ops: Object.fromEntries(
        Array.from(cells, ([kind, cell]) => [kind, { verdict: verdictOf(cell), kernels: cell }]),
      ),
    })),
    absent,
  };
}

export async function printMatrix(console: Console): Promise<void> {
  const matrix = await engineMatrix(engineEntries);
  if (console.json) {
    console.document(asDocument(matrix));
    return;
  }
  const { columns, absent } = matrix;
  const titles = [{ title: "op" }, ...columns.map((column) => ({ title: columnTitle(column) }))];
  const rows = opKinds.map((kind) => [
    kind,
    ...columns.map(({ cells }) => cellText(cells.get(kind) ?? null)),
  ]);
  console.result(table(titles, rows));
  for (const line of legend) console.note(line);
  for (const { title, reason } of absent) console.note(`not here: ${title} (${reason})`);
}
