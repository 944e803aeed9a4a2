/** @file Texts and sequences: features of several steps, as many as each example has. */
import type { FeatureSpec } from "@dlc/runtime";
import { specialTokenNames } from "@dlc/runtime";
import { reportWrongValue } from "../check/check-shape.js";
import type { LoadContext } from "../context.js";
import type { sequenceShape, textShape } from "../schema/features.js";
import type { ValuesOf } from "../schema/shape.js";
import { type Draft, pathOf, type Role } from "./columns.js";

type TextFeature = Extract<FeatureSpec, { type: "text" }>;

/** The fewest entries of a vocabulary: the special tokens and one more, or all bytes. */
const fewest: Readonly<Record<TextFeature["tokens"], number>> = {
  char: specialTokenNames.length + 1,
  word: specialTokenNames.length + 1,
  bpe: specialTokenNames.length + 256,
};

/** Null after a diagnostic. */
export function resolveText(
  draft: Draft,
  column: string,
  role: Role,
  context: LoadContext,
): FeatureSpec | null {
  const values = draft.checked.values as ValuesOf<typeof textShape>;
  const { tokens, max_length, vocabulary, lowercase, truncate, unknown, words } = values;
  const node = draft.checked.nodes.get("vocabulary");
  if (vocabulary < fewest[tokens] && node !== undefined) {
    const about =
      tokens === "bpe"
        ? "Tokens of bpe are the 256 bytes, what they are merged to, and 4 special ones."
        : "The 4 special tokens are counted, too.";
    const schema = { type: "integer", minimum: fewest[tokens] };
    const what = `'vocabulary' of ${role} '${draft.name}'`;
    reportWrongValue("range", { what, node, schema, about }, context);
    return null;
  }
  const setting = draft.checked.nodes.get("unknown");
  if (tokens === "bpe" && setting !== undefined) {
    context.diagnostics.report("setting-without-effect", setting.span, {
      setting: "unknown",
      reason: "with 'tokens: bpe' no text is unknown",
    });
  }
  const end = values.end ?? role === "target";
  context.settleDefault(pathOf(draft, role, "end"), end);
  const length = max_length === null ? 0 : max_length + (end ? 1 : 0);
  const settings = { tokens, length, vocabulary, lowercase, end, truncate, unknown };
  return { type: "text", column, ...settings, ...(words === null ? {} : { words }) };
}

export function resolveSequence(draft: Draft, column: string): FeatureSpec {
  const { max_length, channels, scale, truncate } = draft.checked.values as ValuesOf<
    typeof sequenceShape
  >;
  return { type: "sequence", column, length: max_length ?? 0, channels, scale, truncate };
}
