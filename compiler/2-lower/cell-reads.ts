/** @file What the cell of a `recurrent` layer reads from outside: whole, in every step. */
import { type LayerUse, withCells } from "../1-load/resolved-spec.js";

export interface OutsideRead {
  /** The layer of the cell, or the recurrent layer where a state or the output is meant. */
  readonly reader: LayerUse;
  readonly name: string;
}

/** None of other layers. `like` reads a shape only, which says nothing of the values. */
export function outsideReads(layer: LayerUse): readonly OutsideRead[] {
  if (layer.cell === undefined) return [];
  const { layers, states, output } = layer.cell;
  const own = (name: string): OutsideRead => ({ reader: layer, name });
  const all = [
    ...withCells(layers).flatMap((reader) => reader.from.map((name) => ({ reader, name }))),
    ...states
      .flatMap(({ start, next }) => (start === null ? [] : [start]).concat(next.name))
      .map(own),
    own(output),
  ];
  return all.filter(({ name }) => !name.startsWith(`${layer.name}/`));
}
