import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
const NODE = [
  '--conditions=@sluice/source',
  '--experimental-strip-types',
  '--disable-warning=ExperimentalWarning',
]

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'https-proxy-program-'))))
afterEach(() => rmSync(folder, { recursive: true }))

const start = (...argv: string[]): ChildProcess =>
  spawn(process.execPath, [...NODE, MAIN, ...argv, '--data', folder], { stdio: ['ignore', 'pipe', 'pipe'] })

const run = async (...argv: string[]): Promise<{ code: number; out: string; error: string }> => {
  const child = start(...argv)
  let [out, error] = ['', '']
  child.stdout!.on('data', (chunk) => (out += String(chunk)))
  child.stderr!.on('data', (chunk) => (error += String(chunk)))
  const [code] = (await once(child, 'close')) as [number]
  return { code, out, error }
}

it.each([
  [
    ['0', '0.0.0.0', '10', '10', '10', '30.0', '30.0'],
    '--listen: 0.0.0.0:0 is not loopback and there is no user: add one with "user add NAME", or give --open',
  ],
  [['0', '127.0.0.1', 'many'], '[connections]: "many" is not a whole number'],
  [['0', '127.0.0.1', '1', '1', '1', '1', '1', '1'], 'unexpected argument "1", wanted at most [port] '],
  [['0', '--listen', '127.0.0.1:0'], '[port] and --listen are the same setting: give one'],
  [['sreve', '0'], 'sreve: unknown command, did you mean serve?'],
  [['0', '127.0.0.1', '--origin-ca', '/nowhere/ca.pem'], '--origin-ca: /nowhere/ca.pem: ENOENT'],
])('does not start with %j, and says what is wrong in one line', async (argv, words) => {
  const { code, error } = await run(...argv, '--ops', '127.0.0.1:0')
  expect(error).toContain(words)
  expect(error.trimEnd().split('\n')).toHaveLength(1)
  expect(code).toBe(2)
})

it('starts with the words of the original, warns where files are too few, follows its settings, and ends', async () => {
  const config = join(folder, 'proxy.yaml')
  writeFileSync(config, 'user-requests: 3\n')
  const words = ['serve', '0', '127.0.0.1', '10000000', '500000', '500', '30.0', '30.0']
  const child = start(...words, '--ops', '127.0.0.1:0', '--config', config)
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  const until = async (msg: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const { value } = await lines.next()
      const line = JSON.parse(String(value)) as Record<string, unknown>
      if (line['msg'] === msg) return line
    }
  }
  const warned = await until('limit.fds')
  expect(warned).toMatchObject({ level: 'warn', wanted: 10_000_000, slots: 500 })
  expect(warned['connections']).toBeLessThan(10_000_000)
  expect(await until('listening')).toMatchObject({ door: 'proxy', host: '127.0.0.1' })
  await until('ready')
  writeFileSync(config, 'user-requests: 5\n')
  child.kill('SIGHUP')
  expect(await until('reloaded')).toMatchObject({ changed: ['user-requests'] })
  child.kill('SIGTERM')
  const [code] = (await once(child, 'close')) as [number]
  expect(code).toBe(0)
})

it('tells how it is used, with what needs no flag', async () => {
  const { out, code } = await run('--help')
  expect(code).toBe(0)
  expect(out).toContain(
    'https-proxy [serve] [port] [address] [connections] [queue] [slots] [queue timeout] [request timeout] [flags]\n',
  )
  expect(out).toContain('https-proxy get URL')
  const { out: settings } = await run('8888', '127.0.0.1', '--print-config')
  expect(settings).toContain('listen: "127.0.0.1:8888" # [port] [address]\n')
})
