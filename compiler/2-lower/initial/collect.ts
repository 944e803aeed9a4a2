/** @file What there is on both sides: the modules of a file, and the layers that have weights. */
import type { WeightsEntry } from "@dlc/runtime";
import { ownerOf, type ResolvedSpec, withCells } from "../../1-load/resolved-spec.js";
import type { LoweredModel } from "../lowered-model.js";
import type { Module, Receiver } from "./fit.js";
import type { Layout } from "./layout.js";

/** By name; what only holds ignored tensors is left out. */
export function modulesOf(layout: Layout, entries: readonly WeightsEntry[]): readonly Module[] {
  const places = layout.places(entries.map(({ name }) => name));
  const modules = new Map<string, Map<string, WeightsEntry>>();
  for (const entry of entries) {
    const { module = "", tensor = entry.name } = places.get(entry.name) ?? {};
    const own = modules.get(module) ?? new Map<string, WeightsEntry>();
    modules.set(module, own);
    if (!own.has(tensor)) own.set(tensor, entry);
  }
  return Array.from(modules, ([name, tensors]) => ({ name, tensors }))
    .filter(({ tensors }) => [...tensors.keys()].some((tensor) => !layout.ignored.has(tensor)))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The layers that own weights or running statistics, in the order of the spec. */
export function receiversOf(
  { layers }: ResolvedSpec,
  state: LoweredModel["state"],
): readonly Receiver[] {
  const byOwner = new Map<string, Map<string, { full: string; shape: readonly number[] }>>();
  for (const [full, { layer: owner, shape, role }] of Object.entries(state)) {
    if (role !== "weight" && role !== "buffer") continue;
    const own = byOwner.get(owner) ?? new Map();
    byOwner.set(owner, own.set(full.slice(owner.length + 1), { full, shape }));
  }
  const receivers = new Map<string, Receiver>();
  for (const layer of withCells(layers)) {
    const owner = ownerOf(layer);
    const tensors = byOwner.get(owner);
    if (tensors === undefined || receivers.has(owner)) continue;
    const { name, type, named, fields, span } = layer;
    receivers.set(owner, { owner, name, type, named, fields, span, tensors });
  }
  return [...receivers.values()];
}
