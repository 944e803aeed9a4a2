/** @file Records an optimiser update on arenas, for programs that update weight by weight. */
import type { OpKind, Ops } from "../../ops.js";
import { type Arena, type ArenaUpdate, settingsOf } from "./arena.js";
import type { Handle } from "./graph.js";
import type { Primitives } from "./primitives.js";

export interface ArenaUpdater {
  /** The contract, with updates of members only noted down. */
  readonly ops: Ops<Handle>;
  /** Handles of the members by state name: the parts of the arenas. */
  readonly members: Readonly<Record<string, Handle>>;
  /** Records the update of all members at once; gives the new arenas by name. */
  finish(): Readonly<Record<string, Handle>>;
}

/** The members of an arena. */
export function splitArena(p: Primitives, arena: Arena, whole: Handle): Record<string, Handle> {
  p.graph.source = { scope: "", op: "arena" };
  const parts = p.split(
    whole,
    0,
    arena.members.map(({ size }) => size),
  );
  return Object.fromEntries(
    arena.members.map(({ name, shape }, i) => [name, p.reshape(parts[i] as Handle, shape)]),
  );
}

/** The arena of members' values. */
export function joinArena(
  p: Primitives,
  arena: Arena,
  members: Readonly<Record<string, Handle>>,
): Handle {
  p.graph.source = { scope: "", op: "arena" };
  const parts = arena.members.map(({ name, size }) => p.reshape(members[name] as Handle, [size]));
  return p.concat(parts, 0);
}

type Lowering = (...args: readonly unknown[]) => Handle | readonly Handle[];

/** `arenas` are the model's inputs by arena name. */
export function createArenaUpdater(
  p: Primitives,
  recorder: Ops<Handle>,
  update: ArenaUpdate,
  arenas: Readonly<Record<string, Handle>>,
): ArenaUpdater {
  const wholes = update.arenas.map(({ name }) => arenas[name] as Handle);
  const members: Record<string, Handle> = Object.assign(
    {},
    ...update.arenas.map((arena, i) => splitArena(p, arena, wholes[i] as Handle)),
  );
  const weights = new Map(
    update.arenas[0]?.members.map(({ name, weight }) => [members[name], weight]),
  );
  const gradients = new Map<string, Handle>();
  let settings: readonly unknown[] = [];
  const lower = recorder[update.op as Exclude<OpKind, "concat">] as unknown as Lowering;

  const noted: Lowering = (...args) => {
    const weight = weights.get(args[0] as Handle);
    if (weight === undefined) return lower(...args);
    gradients.set(weight, args[update.arenas.length] as Handle);
    settings = settingsOf(update, args);
    // Nobody looks at the new values (see findArenaUpdate): the old ones stand for them.
    const old = args.slice(0, update.arenas.length) as Handle[];
    return update.arenas.length === 1 ? (old[0] as Handle) : old;
  };

  return {
    ops: { ...recorder, [update.op]: noted },
    members,
    finish() {
      const flat = update.arenas[0]?.members.map(({ weight, size }) => {
        const gradient = gradients.get(weight);
        if (gradient === undefined) throw new Error(`no update of ${weight} was recorded`);
        return p.reshape(gradient, [size]);
      });
      const results = lower(...wholes, p.concat(flat ?? [], 0), ...settings);
      const list = (Array.isArray(results) ? results : [results]) as readonly Handle[];
      return Object.fromEntries(update.arenas.map(({ name }, i) => [name, list[i] as Handle]));
    },
  };
}
