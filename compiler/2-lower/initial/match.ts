/** @file Which module of a file belongs to which layer, where the spec does not say it. */
import type { Module, Receiver } from "./fit.js";

export interface Pair {
  readonly module: Module;
  readonly receiver: Receiver;
}

export interface Matched {
  readonly pairs: readonly Pair[];
  /** Layers that several modules fit, with these. */
  readonly ambiguous: readonly {
    readonly receivers: readonly Receiver[];
    readonly modules: readonly Module[];
  }[];
}

/** Separators are a matter of taste: `encoder/fc1` is `encoder.fc1`. */
const plain = (name: string): string => name.replaceAll("/", ".");

/**
 * By name alone: the module of the same name, after `within` (a prefix of either side) is taken off.
 * Names that dlc gives by itself (`conv2d_1`) do not count with `namedOnly`: other tools number likewise,
 * but not from the same number.
 */
export function matchNames(
  modules: readonly Module[],
  receivers: readonly Receiver[],
  within: readonly [there: string, here: string],
  namedOnly: boolean,
): readonly Pair[] {
  const [there, here] = within;
  const byName = new Map(modules.map((module) => [without(module.name, there), module]));
  return receivers.flatMap((receiver) => {
    const module = byName.get(without(receiver.owner, here));
    return module === undefined || (namedOnly && !receiver.named) ? [] : [{ module, receiver }];
  });
}

/** The name below the prefix. */
const without = (name: string, prefix: string): string =>
  plain(name.startsWith(prefix) ? name.slice(prefix.length).replace(/^[./]/, "") : name);

/**
 * By shapes: a layer and a module that fit each other and nothing else; or as many numbered modules
 * (`features.0`, `features.3`; `conv`, `conv_1`) as layers of one type, in the order of their numbers.
 */
export function matchShapes(
  modules: readonly Module[],
  receivers: readonly Receiver[],
  fits: (module: Module, receiver: Receiver) => boolean,
): Matched {
  const groups = new Map<string, { receivers: Receiver[]; modules: readonly Module[] }>();
  for (const receiver of receivers) {
    const own = modules.filter((module) => fits(module, receiver));
    if (own.length === 0) continue;
    const key = JSON.stringify(own.map(({ name }) => name));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { receivers: [receiver], modules: own });
    else group.receivers.push(receiver);
  }
  const pairs: Pair[] = [];
  const ambiguous: Matched["ambiguous"][number][] = [];
  for (const group of groups.values()) {
    const shared = [...groups.values()].some(
      (other) => other !== group && other.modules.some((module) => group.modules.includes(module)),
    );
    const ordered = shared ? null : inOrder(group.receivers, group.modules);
    if (ordered === null) ambiguous.push(group);
    else pairs.push(...ordered);
  }
  return { pairs, ambiguous };
}

/** One to one, if there is only one way, or one that numbers tell; else null. */
function inOrder(receivers: readonly Receiver[], modules: readonly Module[]): Pair[] | null {
  if (receivers.length !== modules.length) return null;
  const types = new Set(receivers.map(({ type }) => type));
  const numbered = modules.map((module) => ({ module, ...numbersOf(module.name) }));
  const series = new Set(numbered.map(({ around }) => around));
  if (receivers.length > 1 && (types.size > 1 || series.size > 1)) return null;
  const sorted = numbered.toSorted((a, b) => compare(a.numbers, b.numbers));
  return receivers.flatMap((receiver, i) => {
    const module = sorted[i]?.module;
    return module === undefined ? [] : [{ module, receiver }];
  });
}

/** The numbers of a name and what stands around them: `layer1.0.conv2`; Keras counts `dense`, `dense_1`. */
function numbersOf(name: string): { readonly numbers: readonly number[]; readonly around: string } {
  const [suffix, last] = /_(\d+)$/.exec(name) ?? ["", "-1"];
  const base = name.slice(0, name.length - suffix.length);
  return {
    numbers: [...base.matchAll(/\d+/g)].map(([digits]) => Number(digits)).concat(Number(last)),
    around: base.replace(/\d+/g, "#"),
  };
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((number, i) => number !== b[i]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
