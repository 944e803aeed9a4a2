/** @file References: names of earlier layers and of features. */

import type { Note } from "../../diagnostics/diagnostic.js";
import { didYouMean } from "../../diagnostics/fixes.js";
import { suggest } from "../../diagnostics/suggest.js";
import { headOf, type LoadContext } from "../context.js";
import { layerOf } from "../resolved-spec.js";
import type { Reference } from "./layer-entry.js";
import type { FeatureNames, NamedEntry } from "./names.js";

/** What a layer reads: the full name of a layer or feature, or null: the model's default input. */
export type Input = string | null;

export interface ListSurroundings {
  /** Prefix of full names: "" in the model, "residual_1/" in a block. */
  readonly prefix: string;
  /** What the inputs' names mean: `input` in a block, a network's own names in it; none elsewhere. */
  readonly inputs: ReadonlyMap<string, Input>;
  readonly features: FeatureNames;
  /** What only layers that keep the future hidden may read. */
  readonly targets: FeatureNames;
  /** Full names of all layers emitted so far, to read inside of blocks: `residual_1/body`. */
  readonly emitted: ReadonlySet<string>;
  /** Names of the outputs that a layer (by its full name) has beside its result. */
  readonly further: (layer: string) => readonly string[];
  /** Of a recurrent cell: the list around it, whose layers can be read too. */
  readonly outside?: ListScope;
}

/** The names of one list of layers, while it is walked from top to bottom. */
export class ListScope {
  readonly #outputs = new Map<string, Input>();
  readonly #order = new Map<string, number>();

  constructor(
    readonly named: readonly NamedEntry[],
    readonly around: ListSurroundings,
    readonly context: LoadContext,
  ) {
    named.forEach(({ name, uses }, index) => {
      for (const word of [name, ...uses]) if (!this.#order.has(word)) this.#order.set(word, index);
    });
  }

  /** Makes an entry's output readable under a name. */
  define(name: string, output: Input): void {
    this.#outputs.set(name, output);
  }

  /** Undefined after a diagnostic. `readsTargets`: may it be a target? */
  resolve(reference: Reference, index: number, readsTargets = false): Input | undefined {
    const { name } = reference;
    const input = this.around.inputs.get(name);
    if (input !== undefined) return input;
    const known = this.#outputs.get(name);
    if (known !== undefined || this.#outputs.has(name)) return known ?? null;
    if (readsTargets && this.around.targets.has(name)) return name;
    const at = this.#order.get(name);
    if (at === undefined) return this.#elsewhere(reference, index, readsTargets);
    if (at === index) this.context.diagnostics.report("self-reference", reference.span, { name });
    else this.#reportForward(reference, index, at);
    return undefined;
  }

  /** What a name means at this point, without a diagnostic: undefined for nothing. */
  find(name: string): Input | undefined {
    const input = this.around.inputs.get(name);
    if (input !== undefined) return input;
    if (this.#outputs.has(name)) return this.#outputs.get(name) ?? null;
    if (this.around.features.has(name)) return name;
    const full = this.around.prefix + name;
    if (name.includes("/") && this.around.emitted.has(full)) return full;
    const further = name.includes(".") ? this.#further(name) : null;
    return further ?? this.around.outside?.find(name);
  }

  #elsewhere(reference: Reference, index: number, readsTargets: boolean): Input | undefined {
    const { name, span } = reference;
    const found = this.find(name);
    if (found !== undefined) return found;
    if (this.around.targets.has(name)) {
      const reader = this.named[index]?.name ?? "";
      this.context.diagnostics.report("reads-target", span, { name, reader });
      return undefined;
    }
    const earlier = this.named.slice(0, index).map((n) => n.name);
    const owner = name.includes(".") ? this.#outputs.get(layerOf(name)) : undefined;
    const further = typeof owner === "string" ? this.around.further(owner) : [];
    const known = [
      ...(further.length === 0 ? earlier : further.map((word) => `${layerOf(name)}.${word}`)),
      ...this.around.features.keys(),
      ...(readsTargets ? this.around.targets.keys() : []),
      ...this.around.inputs.keys(),
    ];
    const nearest = known.slice(-12);
    const word = layerOf(name);
    const output = name.slice(word.length);
    // Of 'encodre.state' it is the layer that is misspelt.
    const owners = earlier.filter((candidate) => this.#further(candidate + output) !== null);
    const meant = further.length === 0 && output !== "" ? owners.map((n) => n + output) : [];
    if (!this.context.featuresKnown && suggest(name, known) === null) return undefined;
    this.context.diagnostics.report(
      "unknown-reference",
      headOf(span, this.context.sources),
      {
        name,
        known:
          known.length === 0
            ? "There is nothing to read from yet."
            : `Names that can be read here: ${known.length > nearest.length ? "…, " : ""}${nearest.join(", ")}.`,
      },
      didYouMean(name, [...meant, ...known], span, this.context.sources.slice(span).includes(name)),
    );
    return undefined;
  }

  /** `encoder.last`: an output of an earlier layer beside its result. */
  #further(name: string): string | null {
    const owner = this.#outputs.get(layerOf(name)) ?? this.around.inputs.get(layerOf(name));
    const word = name.slice(layerOf(name).length + 1);
    if (typeof owner !== "string" || !this.around.further(owner).includes(word)) return null;
    return `${owner}.${word}`;
  }

  #reportForward({ name, span }: Reference, index: number, at: number): void {
    const reader = this.named[index]?.name ?? "";
    const chain = this.#chain(at, index);
    if (chain === null) {
      const target = this.named[at]?.entry.span;
      const notes: Note[] =
        target === undefined
          ? []
          : [{ message: `'${name}' is defined here`, span: headOf(target, this.context.sources) }];
      this.context.diagnostics.report("forward-reference", span, { name, reader }, { notes });
      return;
    }
    const notes = chain.map((i): Note => {
      const entry = this.named[i];
      return {
        message: `'${entry?.name ?? ""}'`,
        span: entry === undefined ? null : headOf(entry.entry.span, this.context.sources),
      };
    });
    const names = [reader, ...chain.map((i) => this.named[i]?.name ?? "")];
    this.context.diagnostics.report(
      "cycle",
      span,
      { name, reader, cycle: [...names, names[0] ?? ""].map((n) => `'${n}'`).join(" → ") },
      { notes },
    );
  }

  /** Does the later entry read, over others, what comes from the earlier one? Then the way between. */
  #chain(later: number, earlier: number): readonly number[] | null {
    const from = new Map<number, number>([[later, -1]]);
    const queue = [later];
    for (let current = queue.shift(); current !== undefined; current = queue.shift()) {
      if (current === earlier) {
        const way: number[] = [];
        for (let i = from.get(current) ?? -1; i >= 0; i = from.get(i) ?? -1) way.unshift(i);
        return way;
      }
      for (const next of this.#reads(current)) {
        if (from.has(next)) continue;
        from.set(next, current);
        queue.push(next);
      }
    }
    return null;
  }

  #reads(index: number): readonly number[] {
    const entry = this.named[index]?.entry;
    const written = entry?.from?.list ?? [];
    if (written.length === 0) return index > 0 ? [index - 1] : [];
    return written.flatMap(({ name }) => this.#order.get(name) ?? []);
  }
}
