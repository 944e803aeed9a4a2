/** @file `dlc init`: a folder with a spec that trains, from a template or from a look at data. */
import { existsSync, statSync } from "node:fs";
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { DlcError } from "@dlc/runtime/errors";
import { makeFolder } from "@dlc/runtime/folder";
import { suggest } from "../../diagnostics/suggest.js";
import { root } from "../../version.js";
import { on, type Run, text } from "../command.js";
import type { Console } from "../console.js";
import { shownPath } from "../paths.js";

const templates = join(root, "assets", "templates");
const schema = join(root, "assets", "schema", "dlc.schema.json");

interface Template {
  readonly name: string;
  readonly summary: string;
}

/** Of a README: the first sentence below the heading. */
function firstSentence(readme: string): string {
  const [paragraph = ""] = readme.split(/\n{2,}/).slice(1);
  const text = paragraph.replaceAll("\n", " ");
  return /^.*?(?<!al)\.(?= [A-Z]|$)/.exec(text)?.[0] ?? text;
}

/** The templates with the first sentence of their README. */
async function list(): Promise<Template[]> {
  const names = (await readdir(templates)).sort();
  return Promise.all(
    names.map(async (name) => {
      const readme = await readFile(join(templates, name, "README.md"), "utf8");
      return { name, summary: firstSentence(readme) };
    }),
  );
}

/** The modeline that connects an editor's YAML server with the schema. */
export function modeline(folder: string): string {
  const path = relative(folder, schema).replaceAll("\\", "/");
  return `# yaml-language-server: $schema=${path}`;
}

function refuseOverwrite(folder: string, files: readonly string[], force: boolean): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new DlcError("not-a-folder", `${folder} is a file, and a folder is needed there`, {
      place: folder,
      help: "Choose another folder.",
    });
  }
  const taken = files.filter((file) => existsSync(join(folder, file)));
  if (taken.length === 0 || force) return;
  throw new DlcError("would-overwrite", `${taken.join(", ")} already exists`, {
    place: folder,
    help: "Choose another folder, or add --force.",
  });
}

async function fromTemplate(name: string, folder: string, force: boolean): Promise<string[]> {
  const known = (await list()).map((template) => template.name);
  if (!known.includes(name)) {
    const near = suggest(name, known);
    throw new DlcError("unknown-template", `there is no template '${name}'`, {
      help: `${near === null ? "" : `Did you mean '${near.word}'? `}Templates: ${known.join(", ")}.`,
      reason: "usage",
    });
  }
  const files = await readdir(join(templates, name));
  refuseOverwrite(folder, files, force);
  makeFolder(folder);
  await cp(join(templates, name), folder, { recursive: true });
  await rewrite(join(folder, "spec.yaml"), (text) =>
    text.replace(/^# yaml-language-server:.*$/m, modeline(folder)),
  );
  // The README shows command lines for the repository that the template comes from.
  await rewrite(join(folder, "README.md"), (text) => text.replaceAll(`models/${name}/`, ""));
  return files;
}

async function rewrite(file: string, change: (text: string) => string): Promise<void> {
  await writeFile(file, change(await readFile(file, "utf8")));
}

/** npm packages that a spec reads data from. */
async function dataPackages(spec: string): Promise<string[]> {
  const paths = (await readFile(spec, "utf8")).matchAll(/npm:((?:@[\w.-]+\/)?[\w.-]+)\//g);
  return [...new Set([...paths].map((match) => match[1] ?? ""))];
}

/** A path as a shell takes it. */
const quoted = (path: string): string =>
  /^[\w./\\:@-]+$/.test(path) ? path : JSON.stringify(path);

async function done(folder: string, files: readonly string[], console: Console): Promise<void> {
  const spec = join(folder, "spec.yaml");
  const packages = await dataPackages(spec);
  if (console.json) {
    console.document({ folder, files: [...files].sort(), packages });
    return;
  }
  console.result(`${shownPath(folder)}: wrote ${[...files].sort().join(", ")}`);
  console.note("Next:");
  if (packages.length > 0) console.note(`  npm install --save-dev ${packages.join(" ")}`);
  console.note(`  npx dlc train ${quoted(shownPath(spec))}`);
}

export const run: Run = async ({ args, options, console }) => {
  const template = text(options, "template");
  const from = text(options, "from");
  if (on(options, "list")) {
    const all = await list();
    if (console.json) console.document({ templates: all });
    else {
      const width = Math.max(...all.map(({ name }) => name.length));
      console.result(
        all.map(({ name, summary }) => `${name.padEnd(width)}  ${summary}`).join("\n"),
      );
    }
    return "ok";
  }
  if ((template === undefined) === (from === undefined)) {
    throw new DlcError("init-needs-a-start", "init starts from a template or from data", {
      help: "Add --template <name> (dlc init --list shows them) or --from <path>, not both.",
      reason: "usage",
    });
  }
  const target = text(options, "target");
  if (target !== undefined && from === undefined) {
    throw new DlcError("bad-command-line", "--target names a column of data, and there is none", {
      help: "Add --from <path>; a template has its own target.",
      reason: "usage",
    });
  }
  const force = on(options, "force");
  const given = args[0] as string | undefined;
  if (template !== undefined) {
    const folder = resolve(given ?? template);
    await done(folder, await fromTemplate(template, folder, force), console);
    return "ok";
  }
  const { specFor } = await import("../suggest-spec.js");
  const folder = resolve(given ?? ".");
  refuseOverwrite(folder, ["spec.yaml"], force);
  const spec = await specFor({
    data: resolve(from as string),
    folder,
    name: basename(folder),
    target,
  });
  makeFolder(folder);
  await writeFile(join(folder, "spec.yaml"), `${modeline(folder)}\n${spec}`);
  await done(folder, ["spec.yaml"], console);
  return "ok";
};
