import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bundleBrowser } from '../bundle.mjs'

const RELAY = join(import.meta.dirname, '../../apps/relay/src/browser/index.ts')

test('what the relay has for pages is one module without anything of Node', async ({ onTestFinished }) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-browser-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const out = join(folder, 'browser.mjs')
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
