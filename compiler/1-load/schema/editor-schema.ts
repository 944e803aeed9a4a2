/**
 * @file The JSON Schema of the language (draft-07) for editors. It is made of the same shapes that specs
 * are checked against, except that `${…}` may stand for any single value.
 */
import { parse } from "yaml";
import { layers } from "../../layers/index.js";
import { dataShape } from "./data.js";
import {
  exampleValues,
  expression,
  fieldSchema,
  findExample,
  requiredOf,
  shapeSchema,
  withoutRequired,
} from "./editor-fields.js";
import { featureChoice, targetChoice } from "./features.js";
import { generateShape } from "./generate.js";
import { initShape } from "./init.js";
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
import type { Choice, EditorSchema, Fields, Shape } from "./shape.js";
import { columnFilesSchema, columnSources, sourceChoice, splitShape } from "./sources.js";
import { languageVersion, modelShape, specShape } from "./spec.js";
import {
  checkpointShape,
  clipShape,
  earlyStoppingShape,
  metricChoice,
  monitorShape,
  phaseShape,
  precisionShape,
  scheduleChoice,
  trainShape,
} from "./train.js";

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
      init: valueSchema(initShape),
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
      precision: valueSchema(precisionShape),
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
      : { examples: [findExample(parse(shape.example), shape.name) ?? null] }),
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
          description: shape.summary,
          examples: [findExample(parse(shape.example ?? ""), shape.name)],
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
