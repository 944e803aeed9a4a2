/**
 * @file JSON for files that must have one meaning: `JSON.parse` silently keeps the last of several
 * equal keys, so two readers could see different things in the same bytes. Here they are an error.
 */

/** @throws SyntaxError if the text is not JSON or an object has a key twice. */
export function parseStrictJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const duplicate = duplicateKey(text);
  if (duplicate !== null) throw new SyntaxError(`key ${JSON.stringify(duplicate)} appears twice`);
  return value;
}

/** A plain object (not null, not an array). */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A whole number from 0 up that a double holds exactly. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The first key that occurs twice in one object of `text`, which must be valid JSON. */
function duplicateKey(text: string): string | null {
  /** Keys seen in each open object; null for an open array. */
  const open: (Set<string> | null)[] = [];
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]]/g;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [lexeme] = match;
    if (lexeme === "{") open.push(new Set());
    else if (lexeme === "[") open.push(null);
    else if (lexeme === "}" || lexeme === "]") open.pop();
    else if (isKey(text, token.lastIndex)) {
      const keys = open.at(-1);
      const key = JSON.parse(lexeme) as string;
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return null;
}

/** Does a colon follow? Only keys are followed by one. */
function isKey(text: string, after: number): boolean {
  let i = after;
  while (" \t\r\n".includes(text.charAt(i)) && i < text.length) i++;
  return text.charAt(i) === ":";
}
