/**
 * @file Plans what a new run starts from: which tensors of a file become which weights, and how. Only the
 * file's header is known here; whatever does not fit is reported before anything is loaded.
 */
import type {
  FittedFacts,
  InitialTensor,
  InitialWeights,
  SafetensorsHeader,
  WeightsEntry,
} from "@dlc/runtime";
import type { InitUse, ResolvedSpec } from "../../1-load/resolved-spec.js";
import { meansLayer } from "../../1-load/train/layer-patterns.js";
import { bug } from "../../diagnostics/diagnostic.js";
import type { Diagnostics } from "../../diagnostics/report.js";
import { sameShape } from "../../ir/shape.js";
import type { LoweredModel } from "../lowered-model.js";
import { type ChannelOrder, channelOrder } from "./channel-order.js";
import { modulesOf, receiversOf } from "./collect.js";
import { type Fit, fit, type Module, planOf, type Receiver } from "./fit.js";
import { keras } from "./keras.js";
import type { Layout } from "./layout.js";
import { matchNames, matchShapes, type Pair } from "./match.js";
import { own } from "./own.js";
import { pytorch } from "./pytorch.js";
import { createReporter, type Reporter } from "./report.js";
import { meansModule, starPairs } from "./stars.js";
import { compareVocabularies, type Vocabularies } from "./vocabulary.js";

export const layouts: Readonly<Record<InitUse["layout"], Layout>> = { dlc: own, pytorch, keras };

type MapEntry = InitUse["map"][number];

/** What the file is known to hold, and what its run (null: unknown) and this one know of their data. */
export interface InitialFile {
  readonly header: SafetensorsHeader;
  readonly facts: { readonly here: FittedFacts; readonly there: FittedFacts | null };
}

/** Null after a diagnostic. */
export function planInitial(
  spec: ResolvedSpec,
  init: InitUse,
  { state, layers, tokenWeights }: Pick<LoweredModel, "state" | "layers" | "tokenWeights">,
  { header, facts }: InitialFile,
  diagnostics: Diagnostics,
): InitialWeights | null {
  const layout = layouts[init.layout];
  const modules = modulesOf(layout, header.entries);
  const report = createReporter(init, layout, modules, header.entries, diagnostics);
  const order = channelOrder(layers, spec.data);
  const receivers = receiversOf(spec, state);
  const vocabularies = compareVocabularies({ tokenWeights }, facts.here, facts.there);
  const planner = new Planner({ init, layout, order, modules, receivers, report, vocabularies });
  for (const entry of init.map) planner.follow(entry, header.entries);
  planner.matchRest();
  if (vocabularies.report(init, diagnostics)) return null;
  planner.finish();
  if (report.failed) return null;
  // In the order of the state: the same plan gives the same package.
  const tensors = Object.keys(state).flatMap((name) => {
    const sources = planner.tensors.get(name);
    return sources === undefined ? [] : [[name, sources] as const];
  });
  return { from: init.from, tensors: Object.fromEntries(tensors) };
}

interface Parts {
  readonly init: InitUse;
  readonly layout: Layout;
  readonly order: ChannelOrder;
  readonly modules: readonly Module[];
  readonly receivers: readonly Receiver[];
  readonly report: Reporter;
  readonly vocabularies: Vocabularies;
}

/** Who is taken already, and by whom, while modules and layers find each other. */
class Planner {
  readonly tensors = new Map<string, readonly InitialTensor[]>();
  readonly #parts: Parts;
  readonly #claimed = new Map<Receiver, Module>();
  /** Modules that went nowhere yet. */
  readonly #free: Set<Module>;
  readonly #used = new Set<WeightsEntry>();
  /** Layers that several modules would fit, which has been reported. */
  readonly #unclear = new Set<Receiver>();
  readonly #fits = new Map<Receiver, Map<Module, Fit>>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#free = new Set(parts.modules);
  }

  /** One entry of the map. */
  follow(entry: MapEntry, entries: readonly WeightsEntry[]): void {
    const { modules, report } = this.#parts;
    const single = entries.find(({ name }) => name === entry.from);
    if (single !== undefined && this.#takeTensor(entry, single)) return;
    const there = modules.filter(({ name }) => meansModule(entry.from, name));
    if (there.length === 0) {
      report.unknownSource(entry);
      return;
    }
    const open = there.filter((module) => this.#free.has(module));
    if (entry.to === null) for (const module of open) this.#free.delete(module);
    else this.#matchEntry(entry, entry.to, open);
  }

  /** A module to a layer, modules to layers star by star, or what is in a part to what is in another. */
  #matchEntry(entry: MapEntry, to: string, open: readonly Module[]): void {
    const { receivers, report } = this.#parts;
    const receiver = receivers.find(({ owner }) => owner === to);
    const module = open.find(({ name }) => name === entry.from) ?? open[0];
    const isOne = open.length === 1 || module?.name === entry.from;
    if (receiver !== undefined && module !== undefined && isOne) {
      this.#take({ module, receiver }, entry);
      return;
    }
    if (entry.from.includes("*") && to.includes("*")) {
      const pairs = starPairs(entry.from, to, open, receivers);
      if (pairs.length === 0) report.unknownTarget(entry, receivers);
      for (const pair of pairs) this.#take(pair, entry);
      return;
    }
    const meant = receivers.filter(({ owner }) => meansLayer(to, owner));
    if (meant.length === 0) report.unknownTarget(entry, receivers);
    const [there = "", here = ""] = [entry.from, to].map((text) =>
      text.includes("*") ? "" : text,
    );
    this.#match(open, meant, [there, here], entry);
  }

  /** What the map does not mention. */
  matchRest(): void {
    const untouched = this.#wanting().filter(({ tensors }) =>
      [...tensors.values()].every(({ full }) => !this.tensors.has(full)),
    );
    this.#match([...this.#free], untouched, ["", ""], null);
  }

  /** Reports what is missing, or what is left over. */
  finish(): void {
    const { init, report } = this.#parts;
    if (report.failed) return;
    const missing = this.#wanting()
      .flatMap(({ tensors }) => [...tensors.values()].map(({ full }) => full))
      .filter((full) => !this.tensors.has(full));
    const unused = [...this.#free].flatMap(({ tensors }) =>
      [...tensors.values()].filter((entry) => !this.#used.has(entry)),
    );
    if (missing.length > 0 && init.missing === "error") report.missing(missing, unused);
    else if (this.tensors.size === 0) report.nothing();
    else if (unused.length > 0 && init.only === null) report.unused(unused);
  }

  /** Layers that are to take weights and have found no module. */
  #wanting(): readonly Receiver[] {
    const { init, receivers } = this.#parts;
    return receivers.filter(
      (receiver) =>
        !this.#claimed.has(receiver) &&
        !this.#unclear.has(receiver) &&
        (init.only?.some(({ pattern }) => meansLayer(pattern, receiver.owner)) ?? true),
    );
  }

  #fitOf(module: Module, receiver: Receiver): Fit {
    const { layout, order } = this.#parts;
    const own = this.#fits.get(receiver) ?? new Map<Module, Fit>();
    this.#fits.set(receiver, own);
    const found = own.get(module) ?? fit(module, receiver, layout, order);
    own.set(module, found);
    return found;
  }

  #take({ module, receiver }: Pair, entry: MapEntry | null): void {
    const { report } = this.#parts;
    this.#free.delete(module);
    const before = this.#claimed.get(receiver);
    if (before !== undefined) {
      report.twice(before, module, receiver, entry);
      return;
    }
    this.#claimed.set(receiver, module);
    const { tensors, problems, used } = this.#fitOf(module, receiver);
    for (const one of used) this.#used.add(one);
    const { vocabularies } = this.#parts;
    const other = [...receiver.tensors.values()].filter(({ full }) => vocabularies.differs(full));
    for (const { full } of other) vocabularies.refuse(full, module.name);
    if (other.length > 0) return;
    if (problems.length > 0) report.misfit(module, receiver, problems, entry);
    else for (const [name, sources] of Object.entries(tensors)) this.tensors.set(name, sources);
  }

  /** Lets some modules and layers find each other by name, then (not in dlc's own files) by shape. */
  #match(
    modules: readonly Module[],
    receivers: readonly Receiver[],
    within: readonly [there: string, here: string],
    entry: MapEntry | null,
  ): void {
    const { init, report } = this.#parts;
    const isOwn = init.layout === "dlc";
    const open = receivers.filter((receiver) => !this.#claimed.has(receiver));
    const namedOnly = !isOwn && within[1] === "";
    for (const pair of matchNames(modules, open, within, namedOnly)) this.#take(pair, entry);
    if (isOwn && entry === null) return;
    const { pairs, ambiguous } = matchShapes(
      modules.filter((module) => this.#free.has(module)),
      open.filter((receiver) => !this.#claimed.has(receiver)),
      (module, receiver) => this.#fitOf(module, receiver).problems.length === 0,
    );
    for (const pair of pairs) this.#take(pair, entry);
    for (const group of ambiguous) {
      report.ambiguous(group.receivers, group.modules, entry);
      for (const receiver of group.receivers) this.#unclear.add(receiver);
      for (const module of group.modules) this.#free.delete(module);
    }
  }

  /** A tensor by its name, to one of ours or to nothing; false: the entry means no tensor of ours. */
  #takeTensor({ to, ...entry }: MapEntry, found: WeightsEntry): boolean {
    const { receivers, layout, order, report, vocabularies } = this.#parts;
    if (to === null) {
      this.#used.add(found);
      return true;
    }
    for (const receiver of receivers) {
      const name = to.startsWith(`${receiver.owner}.`) ? to.slice(receiver.owner.length + 1) : "";
      const tensor = receiver.tensors.get(name);
      if (tensor === undefined) continue;
      const { full, shape } = tensor;
      this.#used.add(found);
      const rule = layout.rules(receiver.type, name) ?? { from: [] };
      // The tensor as a whole, or the one that the other tool keeps several in.
      const { part: _, ...whole } = rule;
      const plans = [whole, rule].map((one) => planOf(one, shape, receiver, layout, order));
      const plan =
        plans.find((one) => sameShape(one.shape, found.shape)) ??
        plans[0] ??
        bug("there are two plans");
      if (vocabularies.differs(full)) vocabularies.refuse(full, found.name);
      else if (report.tensorFits(found, plan.shape, full, { to, ...entry })) {
        this.tensors.set(full, [{ name: found.name, shape: plan.shape, steps: plan.steps }]);
      }
      return true;
    }
    return false;
  }
}
