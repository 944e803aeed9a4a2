/** @file Text with places marked: «like this». */

export interface Marked {
  /** Without the marks. */
  readonly text: string;
  /** Of each mark, in order: start and end in `text`. */
  readonly marks: readonly { readonly start: number; readonly end: number }[];
}

export function readMarks(source: string): Marked {
  const marks: { start: number; end: number }[] = [];
  let text = "";
  let open: number | null = null;
  for (const character of source) {
    if (character === "«") open = text.length;
    else if (character === "»") {
      if (open === null) throw new Error("a » without its «");
      marks.push({ start: open, end: text.length });
      open = null;
    } else text += character;
  }
  if (open !== null) throw new Error("a « without its »");
  return { text, marks };
}
