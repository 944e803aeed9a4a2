/** @file What emission asks of a TypeScript printer and compiler, so that only one file knows which. */

export interface Compiled {
  /** The source as the printer wrote it. */
  readonly source: string;
  readonly javascript: string;
  /** JSON text of the map from JavaScript to the source. */
  readonly javascriptMap: string;
  readonly declarations: string;
  readonly declarationsMap: string;
}

export interface Emitter {
  /**
   * Compiles one module, given as source text, without looking at any other file.
   * Throws when the text does not parse: that would be a fault of dlc.
   */
  compile(fileName: string, text: string): Compiled;
}
