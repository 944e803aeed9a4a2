/** @file Diagnostics of reading a spec file: bytes, YAML, size. */
import type { CatalogueEntry } from "../../diagnostic.js";

export const fileEntries = {
  "cannot-read": {
    severity: "error",
    message: "'{file}' cannot be read: {reason}",
    help: "{advice}",
    explain:
      "The spec file, or the file that 'extends' names, could not be opened. Only regular files are read: no folders, pipes or devices.",
    wrong: "extends: no-such-file.yaml",
    right: "params: {}",
  },
  "file-too-large": {
    severity: "error",
    message: "the file has more than {limit}",
    help: "Use 'blocks' and 'repeat' for layers that recur, and keep data in files of its own.",
    explain:
      "Spec files are bounded in bytes, YAML tokens, values and aliases, so that no file can keep dlc busy or exhaust its memory. A spec of 1,000 layers stays far below the bounds.",
  },
  "spec-not-utf8": {
    severity: "error",
    message: "the file is {problem}",
    help: "Save it as UTF-8; most editors have that under 'encoding'.",
    explain:
      "Specs are UTF-8 text. The file holds bytes that are not (another encoding, or not text at all). A byte order mark at the start is fine.",
  },
  "control-character": {
    severity: "error",
    message: "the control character {code} stands here",
    help: 'Remove it. Inside of double quotes it can be written as an escape such as "\\u0007".',
    explain:
      "YAML allows no control characters besides tab and line breaks. They are invisible in most editors and usually come from copying.",
  },
  "empty-file": {
    severity: "error",
    message: "the file is empty",
    help: "Begin with 'dlc: 1' and 'name: my-model', or run 'dlc init'.",
    explain: "The file holds nothing but white space and comments, so there is no model in it.",
    wrong: "# nothing here",
    right: "params: {}",
  },
  "yaml-syntax": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "The file is not well-formed YAML, so its structure is unknown. Only the first problem is shown: most others would follow from it.",
    wrong: "model: { layers: [dense: 2 }",
    right: "model: { layers: [dense: 2] }",
  },
  "too-deep": {
    severity: "error",
    message: "lists and maps nest more than {limit} deep here",
    help: "Specs are flat: use 'blocks' for parts within parts.",
    explain:
      "Nesting is bounded, because reading YAML takes memory for every level. No spec comes near the bound.",
  },
  "yaml-tag": {
    severity: "error",
    message: "tags such as '{tag}' are not part of specs",
    help: "Remove it; write a text in quotes, a number without.",
    explain:
      "YAML tags name types, in some programs even code to run. Specs are plain data: texts, numbers, true and false, lists and maps.",
    wrong: "description: !!binary aGVsbG8=",
    right: "description: hello",
  },
  "yaml-alias": {
    severity: "error",
    message: "the alias '*{name}' cannot be followed: {reason}",
    help: "Put the anchor '&{name}' before the alias, and not around it.",
    explain:
      "An alias (*name) stands for the value that an anchor (&name) marks earlier in the file. A value cannot contain itself.",
    wrong: "description: *text",
    right: "description: hello",
  },
  "yaml-key": {
    severity: "error",
    message: "{key} cannot be a key: {reason}",
    help: "{remedy}",
    explain:
      "Keys are plain names. Lists and maps as keys, merge keys (<<) and names with a meaning in JavaScript's objects are refused, so that a spec means one thing in every tool.",
    wrong: "params: { constructor: 1 }",
    right: "params: {}",
  },
  "duplicate-key": {
    severity: "error",
    message: "'{key}' is already a key of this map",
    help: "Keep one of the two.",
    explain:
      "A key may stand only once in a map. Most YAML readers silently keep the last one; here both would look as if they counted.",
    wrong: "description: one\ndescription: two",
    right: "description: one",
  },
  "number-not-exact": {
    severity: "error",
    message: "the number {text} {reason}",
    help: "{advice}",
    explain:
      "Numbers are kept as 64-bit floating point. An integer beyond ±9,007,199,254,740,991 would silently become another one; infinity and not-a-number have no place in a spec.",
    wrong: "description: 12345678901234567890",
    right: 'description: "12345678901234567890"',
  },
} as const satisfies Record<string, CatalogueEntry>;
