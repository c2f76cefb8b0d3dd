// TypeScript 7 has no compiler API that tools can use yet, so imports are read from the source text. Prettier puts
// every import statement at the start of a line, which is what makes a regular expression enough.
import { stripTypeScriptTypes } from 'node:module'

/** One thing a source file names: `spec` as written, and whether it is still there when types are stripped. */
export interface Import {
  spec: string
  typeOnly: boolean
}

const STATEMENT = /^(?:import|export)\s+(?:type\s+)?(?:[\w$*{}\s,]+?\bfrom\s*)?(["'])([^"'\n]+)\1/gm
const CALL = /\bimport\s*\(\s*(["'])([^"'\n]+)\1/g
const WORKER = /\bnew URL\(\s*(["'])(\.[^"'\n]+\.m?[jt]s)\1\s*,\s*import\.meta\.url/g
const COMPUTED = /^(?!\s*(?:\*|\/\/)).*\bimport\s*\((?!\s*["'])/m

function specifiers(source: string): string[] {
  return [STATEMENT, CALL, WORKER].flatMap((pattern) => [...source.matchAll(pattern)].map((m) => m[2] ?? ''))
}

/**
 * Every import, re-export, `import()` and `new URL('./x.ts', import.meta.url)` of one TypeScript source.
 * @throws SyntaxError where the file has TypeScript that cannot simply be erased (enum, namespace)
 */
export function readImports(source: string): Import[] {
  const values = new Set(specifiers(stripTypeScriptTypes(source)))
  return [...new Set(specifiers(source))].map((spec) => ({ spec, typeOnly: !values.has(spec) }))
}

/** True where `import(x)` has an argument that is not a plain string: no check can follow that. */
export const hasComputedImport = (source: string): boolean => COMPUTED.test(source)
