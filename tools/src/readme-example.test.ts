import { expect, test } from 'vitest'
import { asCommonJs, readExample } from './readme-example.ts'

test('the example is the first block of TypeScript, whatever stands before it', () => {
  const readme = '# x\n\n```sh\nls\n```\n\n```ts\nfirst()\n```\n\n```ts\nsecond()\n```\n'
  expect(readExample(readme)).toBe('first()\n')
})

test('a README without an example is refused', () => {
  expect(() => readExample('# x\n\n```sh\nls\n```\n')).toThrow('no block of TypeScript')
})

test('in CommonJS values are required, types are not, and await is allowed', () => {
  const example = "import { a, type B, c as d } from 'x'\n\nconst e: B = await d(a)\n"
  expect(asCommonJs(example)).toBe(
    "const { a, c: d } = require('x')\n;(async () => {\n\n\nconst e: B = await d(a)\n})()\n",
  )
})

test('an import over several lines is one', () => {
  const example = "import {\n  a,\n  b,\n} from 'x'\na(b)\n"
  expect(asCommonJs(example)).toContain("const { a, b } = require('x')")
})
