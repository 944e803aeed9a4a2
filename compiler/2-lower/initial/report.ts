/** @file What does not fit between a file and a model, as diagnostics at the `init` section. */
import type { WeightsEntry } from "@dlc/runtime";
import { isFloat } from "@dlc/runtime";
import type { InitUse } from "../../1-load/resolved-spec.js";
import { reportUnmatched } from "../../1-load/train/layer-patterns.js";
import { didYouMean } from "../../diagnostics/fixes.js";
import type { Diagnostics } from "../../diagnostics/report.js";
import type { Span } from "../../ir/origin.js";
import type { Module, Problem, Receiver } from "./fit.js";
import type { Layout } from "./layout.js";

type MapEntry = InitUse["map"][number];

export interface Reporter {
  readonly failed: boolean;
  twice(first: Module, second: Module, receiver: Receiver, entry: MapEntry | null): void;
  misfit(
    module: Module,
    receiver: Receiver,
    problems: readonly Problem[],
    entry: MapEntry | null,
  ): void;
  ambiguous(
    receivers: readonly Receiver[],
    modules: readonly Module[],
    entry: MapEntry | null,
  ): void;
  unknownSource(entry: MapEntry): void;
  unknownTarget(entry: MapEntry, receivers: readonly Receiver[]): void;
  /** False after a diagnostic. */
  tensorFits(
    found: WeightsEntry,
    wanted: readonly number[],
    full: string,
    entry: MapEntry,
  ): boolean;
  missing(names: readonly string[], unused: readonly WeightsEntry[]): void;
  nothing(): void;
  unused(entries: readonly WeightsEntry[]): void;
}

const mostNames = 8;

/** Names from a file, made safe to show: it may hold anything. */
const shown = (name: string): string => {
  const clean = name.replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, "\ufffd");
  return clean === "" ? "the top level" : clean.length > 80 ? `${clean.slice(0, 79)}…` : clean;
};

const listed = (names: readonly string[]): string => {
  const more = names.length - mostNames;
  const first = names.slice(0, mostNames).map(shown).join(", ");
  return more > 0 ? `${first} and ${more} more` : first;
};

const sizes = (shape: readonly number[]): string => `[${shape.join(", ")}]`;
const described = ({ name, shape, code }: WeightsEntry): string =>
  `${shown(name)} ${sizes(shape)}${isFloat(code) ? "" : ` (${code}, which cannot be a weight)`}`;

/** How tensors are named by the tools that the layouts are of, where dlc names them otherwise. */
const foreignNames: readonly (readonly [layout: InitUse["layout"], title: string, RegExp])[] = [
  ["pytorch", "PyTorch", /(?:^|\.)(?:weight|running_mean|weight_[ih]h_l\d+)$/],
  ["keras", "Keras", /(?:\/vars\/\d+|\/(?:kernel|gamma|embeddings)(?::0)?)$/],
];

/** Advice on files whose names look like those of another tool than `init` says. */
function layoutHint({ layout }: InitUse, entries: readonly WeightsEntry[]): string {
  const likely = foreignNames.find(([, , form]) => entries.some(({ name }) => form.test(name)));
  if (likely === undefined || likely[0] === layout) return "";
  return `The names look like ${likely[1]}'s: say \`layout: ${likely[0]}\`. `;
}

export function createReporter(
  init: InitUse,
  layout: Layout,
  modules: readonly Module[],
  entries: readonly WeightsEntry[],
  diagnostics: Diagnostics,
): Reporter {
  let failed = false;
  const file = init.from;
  const hint = layout.title === "dlc" ? layoutHint(init, entries) : "";
  const placeOf = (entry: MapEntry | null): Span => entry?.fromSpan ?? init.span;
  const fail = (): void => {
    failed = true;
  };

  function misfit(module: Module, receiver: Receiver, problem: Problem, span: Span): void {
    const { owner, type } = receiver;
    const ofModule = shown(module.name);
    if (problem.kind === "no-rule") {
      const names = { layer: owner, type, layout: layout.title };
      diagnostics.report("init-without-counterpart", span, names);
    } else if (problem.kind === "lacks") {
      const has = listed([...module.tensors.keys()]);
      const missing = {
        module: ofModule,
        tensor: problem.wanted,
        name: `${owner}.${problem.tensor}`,
      };
      diagnostics.report("init-tensor-missing", span, { ...missing, file, has, hint });
    } else if (problem.kind === "extra") {
      const names = { module: ofModule, tensors: listed(problem.names), layer: owner };
      diagnostics.report("init-extra", span, names);
    } else if (problem.kind === "type") typeMisfit(problem.found, span);
    else shapeMisfit(problem.found, problem.wanted, `${owner}.${problem.tensor}`, span);
  }

  function shapeMisfit(
    found: WeightsEntry,
    wanted: readonly number[],
    name: string,
    span: Span,
  ): void {
    diagnostics.report("init-shape", span, {
      ...{ tensor: shown(found.name), file, name },
      found: sizes(found.shape),
      wanted: sizes(wanted),
    });
  }

  const typeMisfit = (found: WeightsEntry, span: Span): void =>
    diagnostics.report("init-not-float", span, {
      ...{ tensor: shown(found.name), file, type: found.code },
    });

  return {
    get failed() {
      return failed;
    },
    twice(first, second, { owner }, entry) {
      fail();
      const names = { first: shown(first.name), second: shown(second.name), layer: owner };
      diagnostics.report("init-twice", placeOf(entry), names);
    },
    misfit(module, receiver, problems, entry) {
      fail();
      const [first] = problems;
      // One mistake is enough: another module or layer usually brings several.
      if (first !== undefined) misfit(module, receiver, first, placeOf(entry));
    },
    ambiguous(receivers, candidates, entry) {
      fail();
      diagnostics.report("init-ambiguous", placeOf(entry), {
        layers: listed(receivers.map(({ owner }) => owner)),
        modules: listed(candidates.map(({ name }) => name)),
      });
    },
    unknownSource({ from, fromSpan }) {
      fail();
      const known = [...modules.map(({ name }) => name), ...entries.map(({ name }) => name)];
      const names = { name: from, file, known: listed(modules.map(({ name }) => name)) };
      const suggestion = didYouMean(
        from,
        known.filter((name) => shown(name) === name),
        fromSpan,
        true,
      );
      diagnostics.report("init-unknown-source", fromSpan, names, suggestion);
    },
    unknownTarget({ to, toSpan }, receivers) {
      fail();
      const owners = receivers.map(({ owner }) => owner);
      reportUnmatched(to ?? "", "map", owners, toSpan, true, { diagnostics });
    },
    tensorFits(found, wanted, full, entry) {
      if (!isFloat(found.code)) typeMisfit(found, entry.fromSpan);
      else if (found.shape.join() !== wanted.join()) {
        shapeMisfit(found, wanted, full, entry.fromSpan);
      } else return true;
      fail();
      return false;
    },
    missing(names, unused) {
      fail();
      const rest = unused.map(described);
      const holds = rest.length === 0 ? "" : ` The file also holds ${listed(rest)}.`;
      const what = names.length === 1 ? "it" : "them";
      const advice = `${hint}Say with 'map' what is meant, or let ${what} start from initial values: 'missing: keep'.${holds}`;
      diagnostics.report("init-missing", init.span, { file, names: listed(names), advice });
    },
    nothing() {
      fail();
      const names = listed(modules.map(({ name }) => name)) || "nothing";
      diagnostics.report("init-nothing", init.span, { file, names, hint });
    },
    unused(rest) {
      diagnostics.report("init-unused", init.span, { file, names: listed(rest.map(described)) });
    },
  };
}
