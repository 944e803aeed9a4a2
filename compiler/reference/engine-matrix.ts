/** @file How every engine computes every op, measured: the op's samples are recorded and their kernels counted. */
import { DlcError, type EngineEntry, type OpKind } from "@dlc/runtime";
import { opKinds } from "../ops/index.js";
import { sampleBatch, sampleProgram, samplesOf } from "./op-samples.js";

/** Kernels that an op's samples become: the fewest and the most. null: the compiler expands the op first. */
export type Cell = { readonly fewest: number; readonly most: number } | null;

export interface MatrixColumn {
  readonly engine: string;
  /** Devices with the same cells. */
  readonly devices: readonly string[];
  readonly cells: ReadonlyMap<OpKind, Cell>;
}

export interface EngineMatrix {
  readonly columns: readonly MatrixColumn[];
  /** What could not be recorded here, and why. */
  readonly absent: readonly { readonly title: string; readonly reason: string }[];
}

async function cellOf(
  entry: EngineEntry & Required<Pick<EngineEntry, "kernelsOf">>,
  device: string,
  kind: OpKind,
): Promise<Cell> {
  if (entry.lacks.includes(kind)) return null;
  const counts: number[] = [];
  for (const sample of samplesOf(kind)) {
    const { program, state } = sampleProgram(sample);
    const kernels = await entry.kernelsOf(device, { program, batch: sampleBatch, state });
    counts.push(kernels.length);
  }
  return { fewest: Math.min(...counts), most: Math.max(...counts) };
}

const same = (a: ReadonlyMap<OpKind, Cell>, b: ReadonlyMap<OpKind, Cell>): boolean =>
  [...a].every(([kind, cell]) => JSON.stringify(cell) === JSON.stringify(b.get(kind)));

/** Counts the kernels of all samples on every device of every engine that can be recorded for here. */
export async function engineMatrix(entries: readonly EngineEntry[]): Promise<EngineMatrix> {
  const columns: MatrixColumn[] = [];
  const absent: { title: string; reason: string }[] = [];
  for (const entry of entries) {
    const { kernelsOf } = entry;
    if (kernelsOf === undefined) continue;
    const own: MatrixColumn[] = [];
    for (const device of entry.devices) {
      const cells = new Map<OpKind, Cell>();
      try {
        for (const kind of opKinds) {
          cells.set(kind, await cellOf({ ...entry, kernelsOf }, device, kind));
        }
      } catch (error) {
        if (!(error instanceof DlcError)) throw error;
        absent.push({ title: `${entry.name}:${device}`, reason: error.message });
        continue;
      }
      const twin = own.findIndex((column) => same(column.cells, cells));
      const found = own[twin];
      if (found === undefined) own.push({ engine: entry.name, devices: [device], cells });
      else own[twin] = { ...found, devices: [...found.devices, device] };
    }
    columns.push(...own);
  }
  return { columns, absent };
}

/** "native": one kernel (or none, where nothing is to compute); "expanded": always several. */
export function verdictOf(cell: Cell): "native" | "expanded" | "unsupported" {
  if (cell === null) return "unsupported";
  return cell.fewest <= 1 ? "native" : "expanded";
}

/** "native", "native, up to 3", "expanded, 4 to 7", "unsupported". */
export function cellText(cell: Cell): string {
  const verdict = verdictOf(cell);
  if (cell === null) return verdict;
  if (verdict === "native") return cell.most <= 1 ? verdict : `native, up to ${cell.most}`;
  return cell.fewest === cell.most
    ? `expanded, ${cell.most}`
    : `expanded, ${cell.fewest} to ${cell.most}`;
}

export const columnTitle = ({ engine, devices }: MatrixColumn): string =>
  `${engine}:${devices.join(", ")}`;

/** What the words in the cells mean; each a line. */
export const legend: readonly string[] = [
  "native: one kernel of the engine's library, or none (the engine does it without). With a number: up to so many for",
  "some attributes or shapes; a fused bias and activation, for one, are kernels of their own in most libraries.",
  "expanded: always several kernels, so many. unsupported: the compiler makes simpler ops of it.",
];
