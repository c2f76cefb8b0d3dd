import { assert, property, string } from 'fast-check'
import { expect, test } from 'vitest'
import { plainOf } from './nps-values.ts'

test.each([
  ['as nps 0.26.10 keeps it', 'a&lt;b&gt; &amp; &#39;c&#39; &#34;d&#34; &amp;lt;', `a<b> & 'c' "d" &lt;`],
  ['other ways to write it', '&quot;&apos;&#x27;&#X4e2d;&#128512;', `"''中😀`],
  ['what is none', 'R&D &lt &nbsp; &; &#; &#x; &LT;', 'R&D &lt &nbsp; &; &#; &#x; &LT;'],
  ['what is no text', '&#0;&#27;&#xd800;&#x110000;&#9999999;', '&#0;&#27;&#xd800;&#x110000;&#9999999;'],
])('a remark is plain text: %s', (_, stored, plain) => {
  expect(plainOf(stored)).toBe(plain)
})

test('any remark comes back as it was typed', () => {
  const entities: Readonly<Record<string, string>> = {
    '&': 'amp',
    '<': 'lt',
    '>': 'gt',
    "'": '#39',
    '"': '#34',
  }
  const stored = (typed: string): string => typed.replaceAll(/[&<>'"]/g, (char) => `&${entities[char]};`)
  assert(property(string({ unit: 'binary' }), (typed) => plainOf(stored(typed)) === typed))
  assert(property(string({ unit: 'grapheme-ascii' }), (typed) => plainOf(stored(typed)) === typed))
})
