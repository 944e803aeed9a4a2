/**
 * @file The emitter: ts-morph writes the source files and its TypeScript compiles them. Loading it takes
 * most of a build's time, so this file is the only one to import it, and is itself imported late.
 */
import { IndentationText, NewLineKind, Project, ts } from "ts-morph";
import { bug } from "../diagnostics/diagnostic.js";
import type { Emitter } from "./emitter.js";

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  newLine: ts.NewLineKind.LineFeed,
  sourceMap: true,
  strict: true,
  verbatimModuleSyntax: true,
};

const declarationOptions: ts.CompilerOptions = {
  ...options,
  sourceMap: false,
  declaration: true,
  declarationMap: true,
  isolatedDeclarations: true,
};

function check(file: string, diagnostics: readonly ts.Diagnostic[] | undefined): void {
  const first = diagnostics?.[0];
  if (first === undefined) return;
  bug(`${file} does not compile: ${ts.flattenDiagnosticMessageText(first.messageText, " ")}`);
}

export function createEmitter(): Emitter {
  const project = new Project({
    useInMemoryFileSystem: true,
    skipLoadingLibFiles: true,
    skipFileDependencyResolution: true,
    compilerOptions: options,
    manipulationSettings: {
      indentationText: IndentationText.TwoSpaces,
      newLineKind: NewLineKind.LineFeed,
    },
  });
  return {
    compile(fileName, text) {
      // One writer call per file: adding declarations one by one takes quadratic time.
      const file = project.createSourceFile(fileName, (writer) => writer.write(text));
      const source = file.getFullText();
      project.removeSourceFile(file);
      const javascript = ts.transpileModule(source, {
        fileName,
        compilerOptions: options,
        reportDiagnostics: true,
      });
      check(fileName, javascript.diagnostics);
      const declarations = ts.transpileDeclaration(source, {
        fileName,
        compilerOptions: declarationOptions,
        reportDiagnostics: true,
      });
      check(fileName, declarations.diagnostics);
      return {
        source,
        javascript: javascript.outputText,
        javascriptMap: javascript.sourceMapText ?? "",
        declarations: declarations.outputText,
        declarationsMap: declarations.sourceMapText ?? "",
      };
    },
  };
}
