/** @file `dlc validate`: every mistake that can be found without training. */
import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { applyFixes, certainFixes } from "../../diagnostics/fixes.js";
import { toJson } from "../../diagnostics/render.js";
import { type CompileResult, compile } from "../../pipeline.js";
import { type Invocation, on, type Run, settings } from "../command.js";
import { show, summary } from "../compiling.js";
import { watch } from "../watching.js";

/** Rounds of fixing: a fix may uncover the next mistake, but not for ever. */
const mostRounds = 10;

interface Checked {
  readonly file: string;
  readonly result: CompileResult;
  readonly fixed: number;
}

async function check(file: string, { options }: Invocation): Promise<Checked> {
  // The optimiser finds no mistakes of the user.
  const compileOptions = {
    set: settings(options),
    checkData: options.data !== false,
    until: "differentiate",
  } as const;
  let result = await compile(file, compileOptions);
  let fixed = 0;
  for (let round = 0; on(options, "fix") && round < mostRounds; round++) {
    const count = await fixOnce(result);
    if (count === 0) break;
    fixed += count;
    result = await compile(file, compileOptions);
  }
  return { file, result, fixed };
}

/** Applies the certain fixes to the files they are for; returns how many there were. */
async function fixOnce({ diagnostics }: CompileResult): Promise<number> {
  const fixes = certainFixes(diagnostics.all);
  const files = new Set(fixes.flatMap(({ edits }) => edits.map(({ span }) => span.file)));
  let count = 0;
  for (const file of files) {
    const own = fixes.filter(({ edits }) => edits.every(({ span }) => span.file === file));
    const before = await readFile(file, "utf8");
    const { text, applied } = applyFixes(before, own);
    if (applied === 0) continue;
    await writeFile(file, text);
    count += applied;
  }
  return count;
}

function tell({ file, result, fixed }: Checked, { console }: Invocation): void {
  const { diagnostics, sources } = result;
  if (console.json) {
    console.document({ file, fixed, notes: result.notes, ...toJson(diagnostics.all, sources) });
    return;
  }
  show(diagnostics.all, sources, console);
  for (const note of result.notes) console.note(`note: ${note}`);
  const repaired = fixed === 0 ? "" : `, ${fixed} fixed`;
  const found = summary(diagnostics.all);
  console.result(`${file}: ${found === "" ? "ok" : found}${repaired}`);
}

async function checkAll(invocation: Invocation): Promise<{ good: boolean; files: string[] }> {
  let good = true;
  const files: string[] = [];
  for (const file of invocation.args[0] as readonly string[]) {
    const checked = await check(file, invocation);
    tell(checked, invocation);
    good &&= !checked.result.diagnostics.hasErrors;
    files.push(resolve(file), ...checked.result.sources.files);
  }
  return { good, files: [...new Set(files)] };
}

export const run: Run = async (invocation) => {
  if (on(invocation.options, "watch")) {
    const work = async (): Promise<string[]> => (await checkAll(invocation)).files;
    return watch(work, invocation);
  }
  return (await checkAll(invocation)).good ? "ok" : "failed";
};
