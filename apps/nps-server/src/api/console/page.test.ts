import { createHash } from 'node:crypto'
import { Script } from 'node:vm'
import { expect, test } from 'vitest'
import { openTestApi } from '../testing/test-api.ts'
import { SCRIPT } from './script.ts'

test('the page is served to everybody, and runs its own script and style alone', async () => {
  await using api = await openTestApi()
  const response = await fetch(`${api.url}/`)
  const page = await response.text()
  const policy = response.headers.get('content-security-policy')!
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  const inside = (tag: string): string => new RegExp(`<${tag}>(.*)</${tag}>`, 's').exec(page)?.[1] ?? ''
  for (const tag of ['script', 'style']) {
    const hash = createHash('sha256').update(inside(tag)).digest('base64')
    expect(policy).toContain(`${tag}-src 'sha256-${hash}'`)
  }
  expect(policy).toContain("default-src 'none'")
  expect(policy).not.toContain('unsafe')
  expect(page).not.toMatch(/https?:|\son\w+=|\sstyle=/)
  expect(page).not.toContain(api.token)
})

test('its script can be read, and makes no markup of what it is told', () => {
  expect(() => new Script(SCRIPT)).not.toThrow()
  expect(SCRIPT).not.toMatch(/innerHTML|outerHTML|insertAdjacent|document\.write|eval|localStorage|<\//)
})

test('each field has a label', async () => {
  await using api = await openTestApi()
  const page = await (await fetch(`${api.url}/`)).text()
  const bare = page.replaceAll(/<label>.*?<\/label>/gs, '')
  expect(bare).not.toMatch(/<(?:input|select)/)
})
