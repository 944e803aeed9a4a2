/** @file Syntax errors of the YAML library, told in the terms of someone who writes specs. */
import type { YAMLError } from "yaml";
import type { Diagnostics } from "../../diagnostics/report.js";

interface Wording {
  readonly message: string;
  readonly help: string;
}

const general = "Compare the indentation, brackets and quotes with the lines around it.";

/** By the library's error code; what is not here keeps the library's own words. */
const wordings: Readonly<Record<string, Wording>> = {
  BAD_INDENT: {
    message: "the indentation does not fit the lines above",
    help: "Keys of one map begin in the same column. Or is a bracket or quote above not closed?",
  },
  TAB_AS_INDENT: {
    message: "a tab stands where spaces are needed",
    help: "YAML is indented with spaces only.",
  },
  MULTIPLE_DOCS: {
    message: "a second document begins here",
    help: "A spec file holds one document: remove the '---' line.",
  },
  MISSING_CHAR: {
    message: "something is missing here: a colon, comma, quote or closing bracket",
    help: general,
  },
  MULTILINE_IMPLICIT_KEY: {
    message: "a key has to stand on one line, followed by a colon",
    help: general,
  },
  BLOCK_AS_IMPLICIT_KEY: {
    message: "two keys stand on one line",
    help: "Put the second one on its own line, or write { key: value }.",
  },
  BAD_DQ_ESCAPE: {
    message: "this backslash sequence does not exist",
    help: 'Write "\\\\" for a backslash, or use single quotes.',
  },
  UNEXPECTED_TOKEN: { message: "this does not fit here", help: general },
};

export function reportSyntaxError(
  error: YAMLError,
  text: string,
  file: string,
  diagnostics: Diagnostics,
): void {
  const wording = wordings[error.code] ?? { message: firstSentence(error.message), help: general };
  const start = firstVisible(text, Math.min(error.pos[0], Math.max(0, text.length - 1)));
  const piece = /^(?:\w+|---|[^\r\n]?)/.exec(text.slice(start, start + 100))?.[0] ?? "";
  diagnostics.report("yaml-syntax", { file, start, end: start + piece.length }, { ...wording });
}

/** Positions of indentation errors are those of the spaces: what is indented is easier to see. */
function firstVisible(text: string, start: number): number {
  const spaces = /^[ \r\n]*/.exec(text.slice(start))?.[0].length ?? 0;
  return start + spaces < text.length ? start + spaces : start;
}

function firstSentence(message: string): string {
  const line = message.split("\n", 1)[0] ?? message;
  return line.charAt(0).toLowerCase() + line.slice(1);
}
