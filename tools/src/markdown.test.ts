import { expect, it } from 'vitest'
import { readMarkdown } from './markdown.ts'

it('gives headings the anchors that code hosts give them', () => {
  const page =
    '# One, *two* & `three`\n## a-b_c 4.5\n## Twice\n## Twice ##\n## [Link](x.md) here\n<a id="own"></a>\n'
  expect([...readMarkdown(page).anchors]).toEqual([
    'one-two--three',
    'a-b_c-45',
    'twice',
    'twice-1',
    'link-here',
    'own',
  ])
})

it('finds links of every form, but none in code', () => {
  const page = [
    '[a](a.md) and [b](<b.md> "title") `[no](no.md)`',
    '[![c](c.png)](d.md)',
    '[e]: e.md',
    '<img src="f.png">',
    '```text',
    '[no](no.md)',
    '```',
    '[g](g.md#h)',
  ].join('\n')
  const links = readMarkdown(page).links.map(({ text, line }) => `${line} ${text}`)
  expect(links).toEqual(['1 a.md', '1 b.md', '2 c.png', '2 d.md', '3 e.md', '4 f.png', '8 g.md#h'])
})

it('takes all of a shell block and only what was typed of a console block', () => {
  const page =
    '```sh\nnpm ci\n```\n- item\n  ```console\n  $ npm start \\\n      -- --help\n  started\n  ```\n```ts\nno()\n```\n'
  expect(readMarkdown(page).scripts).toEqual([
    { text: 'npm ci', line: 2 },
    { text: 'npm start \\\n    -- --help\n', line: 6 },
  ])
})
