/** @file Kinds of field that sections use besides those of layers. */
import { type Field, type FieldSchema, field } from "../../layers/fields.js";
import type { EditorSchema, NestedField } from "./shape.js";

/** Names that users give: layers, blocks, params, features, targets. */
export const namePattern = "^[A-Za-z_][A-Za-z0-9_-]*$";
export const nameSchema: FieldSchema = { type: "string", pattern: namePattern, maxLength: 64 };
export const nameForm = "letters, digits, '_' and '-', beginning with a letter, at most 64 of them";
const nameExpression = new RegExp(namePattern);

/** May a user call a layer, block, parameter, feature or target so? */
export const isName = (word: string): boolean =>
  // What JavaScript gives every object is no key of one.
  word.length <= 64 && word !== "__proto__" && nameExpression.test(word);

/** Names of models are names of folders: not those that Windows keeps for devices. */
export const modelNamePattern = "^(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])$)[a-z][a-z0-9-]*$";

export const text = (description: string, fallback?: string): Field<string> =>
  field({ type: "string", minLength: 1, maxLength: 1000 }, description, fallback);

/** A text that is null unless given. */
export const optionalText = (description: string): Field<string | null> =>
  field<string | null>({ type: "string", minLength: 1, maxLength: 1000 }, description, null);

/** The name of a layer, feature or target. */
export const reference = (description: string): Field<string | null> =>
  field<string | null>({ type: "string", minLength: 1, maxLength: 200 }, description, null);

/** A field with a schema of its own. */
export const special = field;

/** Content that code of its own checks. `required`: the key must be there. */
export const nested = (
  description: string,
  editor: () => EditorSchema,
  required = false,
): NestedField => ({
  schema: {},
  description,
  default: required ? undefined : null,
  resolve: () => null,
  editor,
});
