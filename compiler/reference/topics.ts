/** @file What `dlc explain` tells about the language: its parts and settings, by name. */
import { layerShapes } from "../1-load/schema/layer-shapes.js";
import type { Choice, Shape } from "../1-load/schema/shape.js";
import { composed } from "./layers-page.js";
import { type Setting, settingsOf } from "./settings.js";
import { type Part, parts } from "./spec-page.js";

/** A layer, a section, or one of several things to choose from. */
export interface Topic {
  readonly name: string;
  /** "layer", "section", "loss", …; "choice": what there is to choose from. */
  readonly kind: string;
  readonly summary: string;
  /** The setting that a single value is for. */
  readonly primary: string | null;
  readonly example: string | null;
  readonly settings: readonly Setting[];
}

/** A setting, with all parts in which it means the same. */
export interface SharedSetting extends Setting {
  readonly of: readonly string[];
}

/** Definitions are parts, which are topics, too. */
const link = (definition: string): string =>
  definition === "reference" ? "the name of a layer or feature" : definition;

const topicOf = (kind: string, name: string, shape: Shape): Topic => ({
  name,
  kind,
  summary: shape.summary,
  primary: shape.primary,
  example: shape.example ?? null,
  settings: settingsOf(shape.fields, link),
});

const choiceTopic = ({ kind, choice }: Extract<Part, { choice: Choice }>): Topic => ({
  ...{ name: kind, kind: "choice", primary: null, example: null, settings: [] },
  summary: [...choice.shapes.values()].map(({ name, summary }) => `${name}: ${summary}`).join("\n"),
});

const topics: readonly Topic[] = [
  ...parts.flatMap((part) =>
    "shape" in part
      ? [topicOf("section", part.title.toLowerCase(), part.shape)]
      : [
          choiceTopic(part),
          ...[...part.choice.shapes.values()].map((shape) => topicOf(part.kind, shape.name, shape)),
        ],
  ),
  ...[...layerShapes.values(), ...composed].map((shape) => topicOf("layer", shape.name, shape)),
];

export const topicsNamed = (name: string): readonly Topic[] =>
  topics.filter((topic) => topic.name === name);

export function settingsNamed(name: string): readonly SharedSetting[] {
  const found = new Map<string, SharedSetting>();
  for (const topic of topics) {
    for (const setting of topic.settings) {
      if (setting.name !== name) continue;
      const key = JSON.stringify(setting);
      const of = [...(found.get(key)?.of ?? []), `${topic.kind} ${topic.name}`];
      found.set(key, { ...setting, of });
    }
  }
  return [...found.values()];
}

export const topicNames: ReadonlySet<string> = new Set(
  topics.flatMap(({ name, settings }) => [name, ...settings.map((setting) => setting.name)]),
);
