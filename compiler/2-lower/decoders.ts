/** @file Heads that read their own target through `previous`, and the decoder that predicts one of them. */
import { defaultSearch, saidBefore } from "../1-load/model/generate-sequence.js";
import type { GenerateUse, LayerUse, ResolvedSpec, SequenceUse } from "../1-load/resolved-spec.js";
import type { Diagnostics } from "../diagnostics/report.js";
import { givenTo } from "./generation.js";
import type { Head } from "./heads.js";

const readsTarget = ({ value }: Head, { data }: ResolvedSpec): boolean =>
  givenTo(value).some((name) => data?.targets[name] !== undefined);

/**
 * The heads that the infer program computes: those that need no target, where there are any. (One that
 * predicts nothing without targets is never run, but shows the whole model.)
 */
export function knowable(heads: readonly Head[], spec: ResolvedSpec): readonly Head[] {
  const able = heads.filter((head) => !readsTarget(head, spec));
  return able.length === 0 ? heads : able;
}

interface Candidate {
  readonly decoder: LayerUse;
  /** The text that it says. */
  readonly of: string;
}

/** Layers whose scores a loss compares with the text that they say. */
function candidates({ layers, train, data }: ResolvedSpec): readonly Candidate[] {
  const columns = { ...data?.features, ...data?.targets };
  const [onlyTarget] = Object.keys(data?.targets ?? {});
  const judged = train?.losses.filter(({ kind }) => kind === "cross_entropy") ?? [
    { output: null, target: null },
  ];
  const found = judged.flatMap(({ output, target }): Candidate[] => {
    const of = target ?? onlyTarget;
    const decoder = output === null ? layers.at(-1) : layers.find(({ name }) => name === output);
    if (typeof of !== "string" || columns[of]?.type !== "text" || decoder === undefined) return [];
    const said = saidBefore(decoder.name, layers);
    return said.length === 1 && said[0] === of ? [{ decoder, of }] : [];
  });
  // One decoder may have several losses.
  return found.filter((one, i) => found.findIndex(({ decoder }) => decoder === one.decoder) === i);
}

/**
 * The decoder of a spec without a generate section: greedy search with it is what predict() does, and
 * generate() by default. Null where there is none, or none that is clearly meant.
 */
export function soleDecoder(spec: ResolvedSpec): SequenceUse | null {
  const all = candidates(spec);
  const needed = all.filter(({ of }) => spec.data?.targets[of] !== undefined);
  const [sole, ...others] = needed.length > 0 ? needed : all;
  if (sole === undefined || others.length > 0) return null;
  const { decoder, of } = sole;
  const use = { decoder: decoder.name, of, search: defaultSearch, render: null, like: null };
  return { kind: "sequence", ...use, span: decoder.span, spans: {} };
}

/** Reports heads that predict() would have to generate, where `use` does not generate one of them. */
export function checkPredictable(
  use: GenerateUse | null,
  heads: readonly Head[],
  spec: ResolvedSpec,
  diagnostics: Diagnostics,
): void {
  const unknowable = heads.filter((head) => readsTarget(head, spec));
  if (unknowable.length === 0) return;
  const said = use?.kind === "sequence" ? use.of : null;
  if (unknowable.some(({ spec: { target } }) => target !== null && target === said)) return;
  const names = unknowable.map((head) => `'${head.spec.name}'`).join(" and ");
  const [first] = unknowable;
  const loss = spec.train?.losses.find(({ target }) => target === first?.spec.target);
  const place = spec.generate?.span ?? loss?.nameSpan ?? spec.modelSpan;
  diagnostics.report("generate-unclear", place, { heads: names });
}
