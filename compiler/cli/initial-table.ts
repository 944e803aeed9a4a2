/** @file What every weight starts from, as `dlc inspect --weights` shows it. */
import type { ArrangeStep, InitialTensor, StateSpec } from "@dlc/runtime";
import { isFrozen, rateOf } from "../2-lower/tuning.js";
import type { CompiledModel } from "../compiled-model.js";
import { table } from "./table.js";

export interface WeightRow {
  readonly name: string;
  readonly shape: readonly number[];
  /** Tensors of the file that are added up, or the initialiser. */
  readonly from: string;
  /** Their shape in the file; null where there are none. */
  readonly there: readonly number[] | null;
  /** What is done to them, in words; empty: nothing. */
  readonly how: string;
  /** Factor on the learning rate; 0: frozen or moved by no gradient. */
  readonly rate: number;
}

const words: { readonly [K in ArrangeStep["kind"]]: (step: ArrangeStep & { kind: K }) => string } =
  {
    reshape: ({ shape }) => `as ${shape.join("×")}`,
    transpose: ({ perm }) => `axes ${perm.join(" ")}`,
    take: ({ axis, ranges }) =>
      `${ranges.map(([from, to]) => `${from}–${to - 1}`).join(", ")} of axis ${axis}`,
    channels_last: ({ axis, pieces }) => {
      const flattened = pieces.filter((piece) => piece.length > 1);
      return `axis ${axis} channels last (${flattened.map((piece) => piece.join("×")).join(", ")})`;
    },
  };

const describe = (steps: InitialTensor["steps"]): string =>
  steps.map((step) => (words[step.kind] as (step: ArrangeStep) => string)(step)).join("; ");

const initialiserOf = ({ init }: StateSpec): string =>
  init.value === undefined ? init.kind : `${init.kind} ${init.value}`;

/** Every weight and every running statistic, in order. */
export function weightRows({ state, initial, spec }: CompiledModel): readonly WeightRow[] {
  return Object.entries(state).flatMap(([name, one]): WeightRow[] => {
    const { role, shape, layer } = one;
    if (role !== "weight" && role !== "buffer") return [];
    const sources = initial?.tensors[name] ?? [];
    const [first] = sources;
    const moves = role === "weight" && !isFrozen(spec.train, layer);
    return [
      {
        name,
        shape,
        from: first === undefined ? initialiserOf(one) : sources.map((s) => s.name).join(" + "),
        there: first?.shape ?? null,
        how: describe(first?.steps ?? []),
        rate: moves ? rateOf(spec.train, layer) : 0,
      },
    ];
  });
}

export function weightTable(model: CompiledModel): string {
  const { state, spec, initial } = model;
  const columns = ["weight", "shape", "starts from", "there", "how", "learns"] as const;
  const learns = ({ name, rate }: WeightRow): string => {
    if (state[name]?.role === "buffer") {
      return isFrozen(spec.train, state[name]?.layer ?? "") ? "stays" : "follows the data";
    }
    if (rate === 0) return "frozen";
    return rate === 1 ? "" : `× ${rate}`;
  };
  const rows = weightRows(model).map((row) => [
    row.name,
    row.shape.join("×"),
    row.from,
    row.there === null ? "" : row.there.join("×"),
    row.how,
    learns(row),
  ]);
  const text = table(
    columns.map((title) => ({ title })),
    rows,
  );
  return initial === undefined ? text : `${text}\n\nfrom ${initial.from}`;
}
