/** @file Where a node came from: a place in the spec and how it was derived from it. */

/** A range of a source file, in UTF-16 offsets. */
export interface Span {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  /** Of what a block says that comes with dlc: the place in its file. The span itself is that of the use. */
  readonly library?: Span;
}

export interface Origin {
  /** The layer's name, or a section such as "train.loss". */
  readonly layer: string;
  /** What the layer is: "conv2d", "loss", "optimizer". */
  readonly type: string;
  /** Where it stands in the spec; null for what the compiler adds of its own accord. */
  readonly span: Span | null;
  /** forward: written by the user; backward: derived from it by autodiff; update: the optimiser's part. */
  readonly phase: "forward" | "backward" | "update";
}

export const noOrigin: Origin = { layer: "", type: "", span: null, phase: "forward" };
