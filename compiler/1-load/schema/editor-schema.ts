/**
 * @file The JSON Schema of the language (draft-07) for editors. It is made of the same shapes that specs
 * are checked against, except that `${…}` may stand for any single value.
 */
import { parse } from "yaml";
import type { Field, FieldSchema } from "../../layers/fields.js";
import { layers } from "../../layers/index.js";
import { dataShape } from "./data.js";
import { featureChoice, targetChoice } from "./features.js";
import { namePattern } from "./kinds.js";
import {
  blockShape,
  blockUseShape,
  layerShapes,
  networkShape,
  repeatShape,
  useShape,
} from "./layer-shapes.js";
import { lossChoice } from "./losses.js";
import { optimizerChoice } from "./optimizers.js";
import { recurrentShape } from "./recurrent-shape.js";
import { type Choice, type EditorSchema, type Fields, isNested, type Shape } from "./shape.js";
import { columnFilesSchema, columnSources, sourceChoice, splitShape } from "./sources.js";
import { generateShape, languageVersion, modelShape, specShape } from "./spec.js";
import {
  checkpointShape,
  clipShape,
  earlyStoppingShape,
  metricChoice,
  monitorShape,
  phaseShape,
  scheduleChoice,
  trainShape,
} from "./train.js";

const expression: EditorSchema = { $ref: "#/definitions/expression" };

/** The whole schema as a plain object. */
export function editorSchema(): EditorSchema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "dlc spec",
    ...topLevel(),
    definitions: {
      expression: {
        type: "string",
        pattern: "^\\s*\\$\\{.*\\}\\s*$",
        description: "Arithmetic on parameters: numbers, + - * / ( ) and parameter names.",
        examples: ["${width * 2}"],
      },
      reference: {
        type: "string",
        description: "An earlier layer, by the name that 'as' gives it, or a feature.",
        examples: ["body"],
      },
      data: withoutRequired(shapeSchema(dataShape)),
      source: sourceSchema(),
      split: shapeSchema(splitShape),
      feature: typedSchema(featureChoice),
      target: typedSchema(targetChoice),
      block: shapeSchema(blockShape),
      network: shapeSchema(networkShape),
      generate: shapeSchema(generateShape),
      model: withoutRequired(shapeSchema(modelShape)),
      layers: {
        type: "array",
        minItems: 1,
        description: "The layers, in order. Each reads the one above, or what 'from' names.",
        items: { $ref: "#/definitions/layer" },
      },
      layer: layerSchema(),
      loss: choiceSchema(lossChoice),
      optimizer: choiceSchema(optimizerChoice),
      schedule: choiceSchema(scheduleChoice),
      metric: choiceSchema(metricChoice),
      clip: valueSchema(clipShape),
      early_stopping: valueSchema(earlyStoppingShape),
      monitor: valueSchema(monitorShape),
      checkpoint: valueSchema(checkpointShape),
      phase: shapeSchema(phaseShape),
      train: shapeSchema(trainShape),
    },
  };
}

function topLevel(): EditorSchema {
  const { required, properties, ...rest } = shapeSchema(specShape, false);
  const version = { enum: [languageVersion], description: specShape.fields.dlc.description };
  return {
    ...rest,
    properties: { ...(properties as object), dlc: { ...version, examples: [languageVersion] } },
    // What a spec does not say itself may stand in its base.
    if: { required: ["extends"] },
    else: {
      required,
      properties: {
        data: { required: requiredOf(dataShape) },
        model: { required: requiredOf(modelShape) },
      },
    },
  };
}

/** A map with the fields of a shape. */
function shapeSchema<F extends Fields>(shape: Shape<F>, expressions = true): EditorSchema {
  const examples = exampleValues(shape);
  const fields = Object.entries(shape.fields);
  const required = requiredOf(shape);
  return {
    type: "object",
    description: shape.summary,
    properties: Object.fromEntries(
      fields.map(([name, field]) => [name, fieldSchema(field, examples[name], expressions)]),
    ),
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
}

const requiredOf = (shape: { readonly fields: Fields }): string[] =>
  Object.entries(shape.fields).flatMap(([name, f]) => (f.default === undefined ? [name] : []));

const withoutRequired = ({ required: _, ...schema }: EditorSchema): EditorSchema => schema;

function fieldSchema(field: Field<unknown>, example: unknown, expressions: boolean): EditorSchema {
  const fallback = presentable(field);
  const notes = {
    description: field.description,
    ...(fallback === undefined ? {} : { default: fallback }),
    ...examplesOf(field, example ?? fallback),
  };
  if (isNested(field)) {
    const editor = field.editor();
    return { ...(editor.$ref === undefined ? editor : { allOf: [editor] }), ...notes };
  }
  return { ...(expressions ? withExpressions(field.schema) : field.schema), ...notes };
}

function examplesOf(field: Field<unknown>, example: unknown): EditorSchema {
  if (field.schema.examples !== undefined) return { examples: field.schema.examples };
  const value = example ?? typicalValue(field.schema);
  return value === undefined ? {} : { examples: [value] };
}

/** Something that the schema accepts, for fields that no example shows. */
function typicalValue(schema: FieldSchema): unknown {
  const [branch] = schema.anyOf ?? [];
  if (branch !== undefined) return typicalValue(branch);
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.type === "boolean") return true;
  if (schema.type === "integer" || schema.type === "number") {
    const least = schema.minimum ?? schema.exclusiveMinimum ?? 0;
    return schema.type === "integer" ? Math.max(1, least) : least + 0.1;
  }
  if (schema.type === "string") return schema.maxLength === 1 ? ";" : "name";
  if (schema.type === "array" && schema.items !== undefined) {
    return Array.from({ length: schema.minItems ?? 1 }, () => typicalValue(schema.items ?? {}));
  }
  return undefined;
}

/** The default as one would write it; undefined where there is none to show. */
function presentable({ default: value, schema }: Field<unknown>): unknown {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value) && value.length === 0) return undefined;
  if (typeof value === "object" && "kind" in value) return value.kind;
  const single = schema.anyOf?.some(({ type }) => type === "integer" || type === "number");
  const equal = Array.isArray(value) && value.length > 0 && value.every((v) => v === value[0]);
  return single && equal ? (value as readonly unknown[])[0] : value;
}

/** What the shape's example says for each field. */
function exampleValues<F extends Fields>(shape: Shape<F>): Readonly<Record<string, unknown>> {
  if (shape.example === undefined) return {};
  const parsed: unknown = parse(shape.example);
  const body = find(parsed, shape.name) ?? Object.values(parsed as object)[0];
  if (typeof body === "object" && body !== null && !Array.isArray(body)) {
    return body as Record<string, unknown>;
  }
  return shape.primary === null || body === undefined ? {} : { [shape.primary]: body };
}

/** The value of a key, at any depth: examples show shapes where they are used. */
function find(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  if (!Array.isArray(value) && Object.hasOwn(value, key)) {
    const found = (value as Record<string, unknown>)[key];
    return find(found, key) ?? found;
  }
  for (const inner of Object.values(value)) {
    const found = find(inner, key);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The schema with `${…}` accepted wherever a single value may stand. */
export function withExpressions(schema: FieldSchema): EditorSchema {
  if (schema.anyOf !== undefined) {
    const branches = schema.anyOf.map(inner);
    return { ...schema, anyOf: [...branches, expression] };
  }
  const scalar = schema.enum !== undefined || isScalar(schema.type);
  if (!scalar) return inner(schema);
  const { description, default: fallback, examples, ...rest } = schema;
  const notes = {
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
    ...(examples === undefined ? {} : { examples }),
  };
  return { ...notes, anyOf: [rest, expression] };
}

/** Texts accept `${…}` as they are. */
const isScalar = (type: FieldSchema["type"]): boolean =>
  type === "integer" || type === "number" || type === "boolean";

/** Alternatives do not repeat the expression; items and properties may be one each. */
function inner(schema: FieldSchema): EditorSchema {
  const { items, properties, additionalProperties: others } = schema;
  return {
    ...schema,
    ...(items === undefined ? {} : { items: withExpressions(items) }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([key, value]) => [key, withExpressions(value)]),
          ),
        }),
    ...(typeof others === "object" ? { additionalProperties: withExpressions(others) } : {}),
  };
}

const needsNothing = (shape: Shape): boolean =>
  Object.values(shape.fields).every((field) => field.default !== undefined);

/** What may stand after the name: settings, the primary value, or nothing. */
function valueSchema<F extends Fields>(shape: Shape<F>): EditorSchema {
  const general = shape as unknown as Shape;
  const primary = shape.primary === null ? undefined : general.fields[shape.primary];
  const examples = exampleValues(shape);
  const single =
    primary === undefined ? [] : [fieldSchema(primary, examples[shape.primary ?? ""], true)];
  const empty = needsNothing(general) ? [{ type: "null" }] : [];
  return {
    description: shape.summary,
    anyOf: [shapeSchema(shape), ...single, ...empty],
    ...(shape.example === undefined
      ? {}
      : { examples: [find(parse(shape.example), shape.name) ?? null] }),
  };
}

function describedEnum(shapes: readonly Shape[]): EditorSchema {
  return {
    enum: shapes.map(({ name }) => name),
    enumDescriptions: shapes.map(({ summary }) => summary),
  };
}

function choiceSchema(choice: Choice): EditorSchema {
  const shapes = [...choice.shapes.values()];
  const alone = shapes.filter(needsNothing);
  return {
    description: `The name of ${choice.what}, or { name: settings }.`,
    anyOf: [
      ...(alone.length === 0 ? [] : [describedEnum(alone)]),
      {
        type: "object",
        properties: Object.fromEntries(shapes.map((shape) => [shape.name, valueSchema(shape)])),
        minProperties: 1,
        maxProperties: 1,
        additionalProperties: false,
      },
      expression,
    ],
  };
}

function sourceSchema(): EditorSchema {
  const shapes = [...sourceChoice.shapes.values()];
  const schemaOf = (shape: Shape): EditorSchema =>
    columnSources.has(shape.name)
      ? {
          ...columnFilesSchema,
          description: `${shape.summary} The keys name the columns.`,
          examples: [find(parse(shape.example ?? ""), shape.name)],
        }
      : valueSchema(shape);
  return {
    description: "Where rows come from.",
    anyOf: [
      { enum: ["arrays"] },
      {
        type: "object",
        properties: Object.fromEntries(shapes.map((shape) => [shape.name, schemaOf(shape)])),
        minProperties: 1,
        maxProperties: 1,
        additionalProperties: false,
      },
    ],
  };
}

/** Features and targets: the type alone, or a map in which `type` says which keys there are. */
function typedSchema(choice: Choice): EditorSchema {
  const shapes = [...choice.shapes.values()];
  const alone = shapes.filter((shape) => needsNothing(shape) && shape.name !== "vector");
  return {
    description: `The name of ${choice.what}, or { type: …, settings }.`,
    anyOf: [
      describedEnum(alone),
      ...shapes.map((shape) => {
        const { properties, required = [], ...rest } = shapeSchema(shape);
        const type = { const: shape.name, description: shape.summary, examples: [shape.name] };
        return {
          ...rest,
          properties: { type, ...(properties as object) },
          required: ["type", ...(required as readonly string[])],
        };
      }),
    ],
  };
}

/** One item of a `layers` list: a plain object, so that editors complete and blame one place. */
function layerSchema(): EditorSchema {
  const shapes = [...layerShapes.values()];
  const alone = shapes.filter(
    (shape) => needsNothing(shape) && layers.get(shape.name)?.inputs !== "many",
  );
  const reference = { $ref: "#/definitions/reference" };
  return {
    description:
      "A layer: its name, 'name: value' or 'name: { settings }'; beside it 'as' and 'from'.",
    anyOf: [
      describedEnum(alone),
      {
        type: "object",
        properties: {
          ...Object.fromEntries(shapes.map((shape) => [shape.name, valueSchema(shape)])),
          block: valueSchema(blockUseShape),
          repeat: valueSchema(repeatShape),
          use: valueSchema(useShape),
          recurrent: valueSchema(recurrentShape),
          as: {
            type: "string",
            pattern: namePattern,
            maxLength: 64,
            description: "The layer's name, for others to read from.",
            examples: ["body"],
          },
          from: {
            description:
              "What the layer reads; default: the layer above. Merging layers take a list.",
            anyOf: [
              reference,
              { type: "array", items: reference, minItems: 1 },
              {
                type: "object",
                additionalProperties: reference,
                description: "Inputs by what they are for, in layers that tell them apart.",
              },
            ],
            examples: ["body", ["body", "skip"], { input: "words", state: "encoder.state" }],
          },
        },
        minProperties: 1,
        maxProperties: 3,
        additionalProperties: false,
      },
    ],
  };
}
