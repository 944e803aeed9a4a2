/** @file Comma-separated values, RFC 4180: a parser fed with pieces of text. */

/** What is wrong with the text, and in which line (counted from 1). */
export class CsvMistake extends Error {
  readonly line: number;
  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

/** A longer cell is a missing quote, not data. */
const longestCell = 1 << 20;

type State = "start" | "plain" | "quoted" | "closed";

/**
 * Calls `onRow` with the cells of each row and the line it begins on. Rows end with LF, CRLF or CR;
 * lines without a single character are skipped; a quoted cell may hold delimiters, line ends and
 * doubled quotes.
 */
export class CsvParser {
  readonly #delimiter: string;
  readonly #onRow: (cells: string[], line: number) => void;
  #state: State = "start";
  #cells: string[] = [];
  #cell = "";
  #line = 1;
  #rowLine = 1;
  #quoteLine = 1;
  #afterReturn = false;

  constructor(delimiter: string, onRow: (cells: string[], line: number) => void) {
    this.#delimiter = delimiter;
    this.#onRow = onRow;
  }

  push(text: string): void {
    let at = 0;
    while (at < text.length) {
      at = this.#state === "quoted" ? this.#quoted(text, at) : this.#unquoted(text, at);
      if (this.#cell.length > longestCell) {
        throw new CsvMistake(
          `a cell is longer than ${longestCell} characters`,
          this.#state === "quoted" ? this.#quoteLine : this.#line,
        );
      }
    }
  }

  end(): void {
    if (this.#state === "quoted") {
      throw new CsvMistake("a quoted cell is never closed", this.#quoteLine);
    }
    if (this.#state !== "start" || this.#cells.length > 0) this.#endRow();
  }

  /** Takes the text up to the next quote. */
  #quoted(text: string, from: number): number {
    const quote = text.indexOf('"', from);
    const to = quote === -1 ? text.length : quote;
    this.#cell += text.slice(from, to);
    for (let i = from; i < to; i++) this.#countLine(text.charCodeAt(i));
    if (quote === -1) return to;
    this.#state = "closed";
    this.#afterReturn = false;
    return to + 1;
  }

  #countLine(code: number): void {
    if (code === 13 || (code === 10 && !this.#afterReturn)) this.#line++;
    this.#afterReturn = code === 13;
  }

  /** Takes one delimiter, line end or quote, or the plain text up to the next of them. */
  #unquoted(text: string, at: number): number {
    const char = text[at] as string;
    const afterReturn = this.#afterReturn;
    this.#afterReturn = char === "\r";
    if (char === "\n" && afterReturn) return at + 1; // the second half of CRLF
    if (char === this.#delimiter) {
      this.#endCell();
    } else if (char === "\n" || char === "\r") {
      if (this.#state !== "start" || this.#cells.length > 0) this.#endRow();
      this.#line++;
      this.#rowLine = this.#line;
    } else if (char === '"') {
      this.#quote();
    } else {
      return this.#plain(text, at);
    }
    return at + 1;
  }

  #quote(): void {
    if (this.#state === "plain") {
      throw new CsvMistake("a quote stands inside a cell that does not begin with one", this.#line);
    }
    if (this.#state === "closed")
      this.#cell += '"'; // doubled
    else this.#quoteLine = this.#line;
    this.#state = "quoted";
  }

  #plain(text: string, from: number): number {
    if (this.#state === "closed") {
      throw new CsvMistake("text follows the closing quote of a cell", this.#line);
    }
    let to = from + 1;
    while (to < text.length && !this.#ends(text[to] as string)) to++;
    this.#cell += text.slice(from, to);
    this.#state = "plain";
    return to;
  }

  #ends(char: string): boolean {
    return char === this.#delimiter || char === "\n" || char === "\r" || char === '"';
  }

  #endCell(): void {
    this.#cells.push(this.#cell);
    this.#cell = "";
    this.#state = "start";
  }

  #endRow(): void {
    this.#endCell();
    const cells = this.#cells;
    this.#cells = [];
    this.#onRow(cells, this.#rowLine);
  }
}
