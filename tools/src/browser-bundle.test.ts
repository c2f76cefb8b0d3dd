import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, type TestContext } from 'vitest'
import { bundleBrowser } from '../bundle.mjs'

const RELAY = join(import.meta.dirname, '../../apps/relay/src/browser/index.ts')

const temporary = ({ onTestFinished }: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-browser-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

test('what the relay has for pages is one module without anything of Node', async (context) => {
  const out = join(temporary(context), 'browser.mjs')
  await bundleBrowser(RELAY, out)
  const code = readFileSync(out, 'utf8')
  expect(code).not.toMatch(/node:|\bBuffer\b|\bprocess\.|\brequire\(|^import /m)
  // Of the codecs of libs/wire only those of the relay are wanted.
  expect(code.length).toBeLessThan(150_000)
  const module = (await import(out)) as Record<string, unknown>
  expect(Object.keys(module)).toEqual(
    expect.arrayContaining(['connect', 'listen', 'loadIdentity', 'createIdentity', 'PeerError']),
  )
}, 60_000)

test('a page gets nothing that needs Node', async (context) => {
  const folder = temporary(context)
  const entry = join(folder, 'entry.ts')
  writeFileSync(entry, `export { readFileSync } from 'node:fs'`)
  await expect(bundleBrowser(entry, join(folder, 'out.mjs'))).rejects.toThrow('node:fs')
}, 60_000)
