/** @file `dlc explain`: what a diagnostic code means, or a layer, section or setting of a spec. */
import { DlcError } from "@dlc/runtime/errors";
import { catalogue } from "../../diagnostics/catalogue/index.js";
import type { CatalogueEntry } from "../../diagnostics/diagnostic.js";
import { suggest } from "../../diagnostics/suggest.js";
import type { Setting } from "../../reference/settings.js";
import { settingsNamed, topicNames, topicsNamed } from "../../reference/topics.js";
import type { Run } from "../command.js";
import type { Console } from "../console.js";

const entries: Readonly<Record<string, CatalogueEntry>> = catalogue;

const indent = (text: string): string =>
  text
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n");

/** The message; where it is written only when the mistake is found, what the code is about. */
const headline = ({ message, explain }: CatalogueEntry): string =>
  /^\W*(\{\w+\}\W*)+$/.test(message) ? (/^.*?\.(?= |$)/s.exec(explain)?.[0] ?? explain) : message;

function show(
  code: string,
  entry: CatalogueEntry,
  { resultColors: colors, result }: Console,
): void {
  const fixed = headline(entry) === entry.message ? `: ${entry.message}` : "";
  result(`${colors.bold(code)} (${entry.severity})${fixed}`);
  result("");
  result(entry.explain);
  const { help } = entry;
  if (help !== undefined && !/^\{\w+\}$/.test(help)) result(`\n${colors.bold("help")}: ${help}`);
  if (entry.wrong !== undefined) result(`\n  ${colors.red("wrong")}\n${indent(entry.wrong)}`);
  if (entry.right !== undefined) result(`\n  ${colors.green("right")}\n${indent(entry.right)}`);
}

const about = ({ values, fallback }: Setting): string =>
  `${values}${fallback === undefined ? "; required" : fallback === null ? "" : `; default: ${fallback}`}`;

/** Layers, sections and settings of this name; false if there are none. */
function showPart(name: string, console: Console): boolean {
  const { resultColors: colors } = console;
  const topics = topicsNamed(name);
  const settings = settingsNamed(name);
  if (topics.length + settings.length === 0) return false;
  if (console.json) {
    console.document({ name, topics, settings });
    return true;
  }
  const paragraphs = [
    ...topics.map(({ kind, summary, primary, example, settings: own }) =>
      [
        `${colors.bold(name)} (${kind})\n\n${summary}`,
        ...(primary === null || own.length === 0 ? [] : [`${name}: value sets ${primary}.`]),
        ...(example === null ? [] : [indent(example)]),
        ...(own.length === 0
          ? []
          : [
              own
                .map((one) => `  ${colors.bold(one.name)} (${about(one)})\n${indent(one.meaning)}`)
                .join("\n"),
            ]),
      ].join("\n\n"),
    ),
    ...settings.map((one) =>
      [
        `${colors.bold(name)} (setting of ${one.of.join(", ")})`,
        `${one.meaning}\n${indent(about(one))}`,
      ].join("\n\n"),
    ),
  ];
  console.result(paragraphs.join("\n\n"));
  return true;
}

export const run: Run = async ({ args, console }) => {
  const code = args[0] as string | undefined;
  if (code === undefined) {
    const all = Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1));
    if (console.json) console.document({ codes: all.map(([name]) => name) });
    else console.result(all.map(([name, entry]) => `${name}: ${headline(entry)}`).join("\n"));
    return "ok";
  }
  const entry = Object.hasOwn(entries, code) ? entries[code] : undefined;
  if (entry === undefined) {
    if (showPart(code, console)) return "ok";
    const near = suggest(code, [...Object.keys(entries), ...topicNames]);
    throw new DlcError("unknown-code", `'${code}' is no diagnostic code and no part of a spec`, {
      help: near === null ? "dlc explain lists all codes." : `Did you mean '${near.word}'?`,
      reason: "usage",
    });
  }
  if (console.json) console.document({ code, ...entry });
  else show(code, entry, console);
  return "ok";
};
