/** @file Two different legal values for a field of the language, from its schema. */
import type { FieldSchema } from "../../compiler/layers/fields.js";

export type Pair = readonly [unknown, unknown];

/** Null where the schema allows one value only, or does not say (names, paths, maps). */
export function legalPair(schema: FieldSchema): Pair | null {
  const [first, ...others] = schema.anyOf ?? [];
  if (first !== undefined) return legalPair(first) ?? legalPair({ anyOf: others });
  if (schema.enum !== undefined) {
    const [a, b] = schema.enum;
    return b === undefined ? null : [a, b];
  }
  const type = [schema.type].flat()[0];
  if (type === "boolean") return [true, false];
  if (type === "integer") return integers(schema);
  if (type === "number") return numbers(schema);
  return null;
}

function integers({ minimum = 1, maximum = Number.POSITIVE_INFINITY }: FieldSchema): Pair {
  return minimum + 1 <= maximum ? [minimum, minimum + 1] : [maximum - 1, maximum];
}

/** Most numbers of the language are shares, rates and penalties: these two lie within all of them. */
function numbers({ minimum = 0 }: FieldSchema): Pair {
  return [minimum + 0.25, minimum + 0.5];
}
