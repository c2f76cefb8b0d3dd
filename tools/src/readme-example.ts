// The example of a README: its first block of TypeScript, which is meant to be copied, as a module of either kind.

/** @throws Error where there is none */
export function readExample(readme: string): string {
  const example = /^```(?:ts|js)\n(.*?)^```$/ms.exec(readme)?.[1]
  if (example === undefined) throw new Error('no block of TypeScript')
  return example
}

const IMPORT = /^import (type )?(\{[^}]*\}) from ('[^']+')$/gm

/**
 * The same for CommonJS, which has neither `import` nor `await` at the top: every import of names becomes a `require`,
 * and the rest runs in an async function.
 */
export function asCommonJs(example: string): string {
  const requires: string[] = []
  const body = example.replaceAll(IMPORT, (_all, type: string | undefined, names: string, module: string) => {
    requires.push(
      type === undefined
        ? `const ${bindings(names)} = require(${module})`
        : `import type ${names} from ${module}`,
    )
    return ''
  })
  return `${requires.join('\n')}\n;(async () => {\n${body}})()\n`
}

/** `{ type A, B as C }` as `{ B: C }`. */
function bindings(names: string): string {
  const values = names
    .slice(1, -1)
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && !name.startsWith('type '))
  return `{ ${values.map((name) => name.replace(' as ', ': ')).join(', ')} }`
}
