/**
 * @file JSON-Schema validation with ajv, reduced to one finding per mistake. Only small schemas are
 * compiled, each when first needed: which branch of the language applies is decided before.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import type { FieldSchema } from "../../layers/fields.js";
import type { PlainValue } from "../yaml/tree.js";

/** One mistake: `path` leads to the value at fault from the value that was validated. */
export type Finding =
  | {
      readonly kind: "unknown";
      readonly path: readonly string[];
      readonly key: string;
      readonly schema: FieldSchema;
    }
  | { readonly kind: "missing"; readonly path: readonly string[]; readonly key: string }
  | {
      readonly kind: "type" | "range" | "value" | "form";
      readonly path: readonly string[];
      readonly schema: FieldSchema;
    };

let ajv: Ajv | null = null;
const compiled = new WeakMap<object, ValidateFunction>();

function validatorOf(schema: FieldSchema): ValidateFunction {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  // allErrors is safe here: schemas are ours and small, values are bounded by the YAML guard.
  ajv ??= new Ajv({
    allErrors: true,
    verbose: true,
    ownProperties: true,
    strict: true,
    strictTypes: false,
    allowUnionTypes: true,
    validateSchema: false,
    logger: false,
  });
  const validator = ajv.compile(schema);
  compiled.set(schema, validator);
  return validator;
}

/** All mistakes of a value, none twice. */
export function validate(schema: FieldSchema, value: PlainValue): readonly Finding[] {
  const validator = validatorOf(schema);
  if (validator(value)) return [];
  return pickBranches(validator.errors ?? []).map(toFinding);
}

/**
 * Of alternatives (`anyOf`) keeps the errors of the branch that fits the value's type, or the one
 * error that none does.
 */
function pickBranches(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const outer = errors.filter((e) => e.keyword === "anyOf");
  let kept = errors;
  for (const choice of outer) {
    const below = `${choice.schemaPath}/`;
    const branches = (choice.parentSchema as FieldSchema).anyOf ?? [];
    const fits = branches.flatMap((branch, i) => (acceptsType(branch, choice.data) ? [i] : []));
    const [fitting = -1] = fits;
    const here = errors.some(
      (e) =>
        e.instancePath === choice.instancePath && e.schemaPath.startsWith(`${below}${fitting}/`),
    );
    // Of several lengths of list, say, none is the one that was meant.
    if (fitting < 0 || (fits.length > 1 && here)) {
      kept = kept.filter((e) => !e.schemaPath.startsWith(below));
    } else {
      const chosen = `${below}${fitting}/`;
      kept = kept.filter(
        (e) => e !== choice && (!e.schemaPath.startsWith(below) || e.schemaPath.startsWith(chosen)),
      );
    }
  }
  return onePerPlace(kept);
}

/** A value of the wrong type fails its other keywords as well: the first error at a place is enough. */
function onePerPlace(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const seen = new Set<string>();
  return errors.filter((error) => {
    if (error.keyword === "additionalProperties" || error.keyword === "required") return true;
    if (seen.has(error.instancePath)) return false;
    seen.add(error.instancePath);
    return true;
  });
}

function acceptsType(schema: FieldSchema, value: unknown): boolean {
  if (schema.enum !== undefined) return schema.enum.some((v) => typeof v === typeof value);
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  return types.some((type) => {
    if (type === "integer") return Number.isInteger(value);
    if (type === "array") return Array.isArray(value);
    if (type === "null") return value === null;
    if (type === "object") {
      return typeof value === "object" && value !== null && !Array.isArray(value);
    }
    const kind: string = typeof value;
    return kind === type;
  });
}

function toFinding(error: ErrorObject): Finding {
  const path =
    error.instancePath === "" ? [] : error.instancePath.slice(1).split("/").map(unescapePointer);
  const schema = error.parentSchema as FieldSchema;
  if (error.keyword === "additionalProperties") {
    return { kind: "unknown", path, key: String(error.params.additionalProperty), schema };
  }
  if (error.keyword === "required") {
    return { kind: "missing", path, key: String(error.params.missingProperty) };
  }
  return { kind: kindOf(error), path, schema };
}

function kindOf({ keyword, parentSchema, data }: ErrorObject): "type" | "range" | "value" | "form" {
  if (keyword === "enum") return acceptsType(parentSchema as FieldSchema, data) ? "value" : "type";
  if (/^(exclusive)?(min|max)imum$/i.test(keyword)) return "range";
  if (keyword === "minItems" || keyword === "maxItems") return "range";
  if (keyword === "type" || keyword === "anyOf") return "type";
  return "form";
}

const unescapePointer = (part: string): string => part.replace(/~1/g, "/").replace(/~0/g, "~");
