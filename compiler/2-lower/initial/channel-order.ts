/**
 * @file Where a model flattens images: tools that keep channels first flatten (C, H, W), dlc (H, W, C).
 * What is connected to a flattened image has its elements in another order there.
 */
import { layerOf, type ResolvedSpec } from "../../1-load/resolved-spec.js";
import { plainActivations } from "../../layers/activation/plain.js";
import type { LayerSummary } from "../lowered-model.js";

/** What lies along an axis: images [h, w, c] or sequences [steps, c] that were flattened, and [count] of others. */
export type Order = readonly (readonly number[])[];

export interface ChannelOrder {
  /** Of a layer's input and output, by layer; absent: the same order everywhere. */
  readonly input: ReadonlyMap<string, Order>;
  readonly output: ReadonlyMap<string, Order>;
}

/** Layers that keep every element of a row in its place. */
export const keepsPlaces: ReadonlySet<string> = new Set([
  ...plainActivations.map(({ type }) => type),
  ...["leaky_relu", "elu", "prelu", "dropout", "gaussian_noise", "masking_noise"],
  ...["batch_norm", "layer_norm", "group_norm"],
  ...["add", "subtract", "multiply", "average", "maximum"],
]);

/** Layers whose sequences are [c, steps] where channels come first. */
export const alongTime: ReadonlySet<string> = new Set(["conv1d", "max_pool1d", "avg_pool1d"]);

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Is it the same in both orders? */
const isPlain = (piece: readonly number[]): boolean =>
  piece.length === 1 || piece.at(-1) === 1 || product(piece.slice(0, -1)) === 1;

/** Null where no piece changes. */
const settled = (order: Order): Order | null => (order.every(isPlain) ? null : order);

/** The orders of a model, from the flattened images forward and from rows that become images backward. */
export function channelOrder(
  layers: readonly LayerSummary[],
  data: ResolvedSpec["data"],
): ChannelOrder {
  const tracer = new Tracer(layers, data);
  for (const layer of layers) tracer.forward(layer);
  for (const layer of layers) tracer.backward(layer);
  return tracer;
}

/** Without the batch. */
const exampleShape = ({ output }: LayerSummary): readonly number[] =>
  output.slice(1).filter((dim) => typeof dim === "number");

class Tracer implements ChannelOrder {
  readonly input = new Map<string, Order>();
  readonly output = new Map<string, Order>();
  readonly #layers: ReadonlyMap<string, LayerSummary>;
  readonly #data: ResolvedSpec["data"];

  constructor(layers: readonly LayerSummary[], data: ResolvedSpec["data"]) {
    this.#layers = new Map(layers.map((layer) => [layer.name, layer]));
    this.#data = data;
  }

  forward(layer: LayerSummary): void {
    const { name, type } = layer;
    const from = layer.inputs.map(layerOf);
    const [first = ""] = from;
    const isRow = exampleShape(layer).length === 1;
    if (from.length > 1 && isRow && !keepsPlaces.has(type)) {
      // Joined rows: by concat, or as the default input of a first layer.
      const pieces = from.flatMap((of) => this.output.get(of) ?? [[product(this.#shapeOf(of))]]);
      set(type === "concat" ? this.output : this.input, name, settled(pieces));
      return;
    }
    const read = this.output.get(first) ?? null;
    set(this.input, name, read);
    if (type === "flatten" || (type === "reshape" && isRow)) {
      set(this.output, name, this.#flattened(first));
    } else if (keepsPlaces.has(type)) set(this.output, name, read);
  }

  /** Rows that become images. */
  backward(layer: LayerSummary): void {
    const shape = exampleShape(layer);
    const [from = ""] = layer.inputs.map(layerOf);
    if (layer.type !== "reshape" || shape.length !== 3 || this.#shapeOf(from).length !== 1) return;
    const order = settled([shape]);
    if (order !== null) this.#claim(from, order);
  }

  /** Gives the layer's output this order, and what it only passes on. */
  #claim(name: string, order: Order): void {
    const layer = this.#layers.get(name);
    if (layer === undefined || this.output.has(name)) return;
    this.output.set(name, order);
    if (!keepsPlaces.has(layer.type)) return;
    this.input.set(name, order);
    for (const of of layer.inputs) this.#claim(layerOf(of), order);
  }

  #shapeOf(name: string): readonly number[] {
    const layer = this.#layers.get(name);
    if (layer !== undefined) return exampleShape(layer);
    const feature = this.#data?.features[name];
    return feature !== undefined && "shape" in feature ? feature.shape : [];
  }

  /** Is a sequence of the layer [c, steps] there? */
  #isAlongTime(name: string): boolean {
    const layer = this.#layers.get(name);
    if (layer === undefined) return false;
    if (alongTime.has(layer.type)) return true;
    return keepsPlaces.has(layer.type) && layer.inputs.some((of) => this.#isAlongTime(layerOf(of)));
  }

  #flattened(name: string): Order | null {
    const shape = this.#shapeOf(name);
    if (shape.length === 1) return this.output.get(name) ?? null;
    const isImage = shape.length === 3 || (shape.length === 2 && this.#isAlongTime(name));
    return isImage ? settled([shape]) : null;
  }
}

function set(orders: Map<string, Order>, name: string, order: Order | null): void {
  if (order !== null) orders.set(name, order);
}
