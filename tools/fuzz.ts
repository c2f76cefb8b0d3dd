// `npm run fuzz [-- NAME …] [-- --seconds N --cases N --seed S]`: bad input for a library or a program, for a while.
import { randomInt } from 'node:crypto'
import { readCommandLine, runCommand } from './src/command-line.ts'
import { fuzzHttpsProxy } from './src/fuzz/fuzz-https-proxy.ts'
import { fuzzRemoteProxy } from './src/fuzz/fuzz-remote-proxy.ts'
import { fuzzHttp } from './src/fuzz/fuzz-http.ts'
import type { FuzzRun } from './src/fuzz/fuzz-run.ts'
import { fuzzSsNode } from './src/fuzz/fuzz-ss-node.ts'
import { fuzzNpsServer } from './src/fuzz/fuzz-nps-server.ts'
import { fuzzRelay } from './src/fuzz/fuzz-relay.ts'
import { fuzzShadowsocks } from './src/fuzz/fuzz-shadowsocks.ts'
import { fuzzTexts } from './src/fuzz/fuzz-texts.ts'
import { fuzzWebSocket } from './src/fuzz/fuzz-websocket.ts'
import { fuzzWire } from './src/fuzz/fuzz-wire.ts'

const TARGETS: Readonly<Record<string, (run: FuzzRun) => Promise<string[]>>> = {
  wire: fuzzWire,
  shadowsocks: fuzzShadowsocks,
  texts: fuzzTexts,
  http: fuzzHttp,
  websocket: fuzzWebSocket,
  'remote-proxy': fuzzRemoteProxy,
  'ss-node': fuzzSsNode,
  relay: fuzzRelay,
  'https-proxy': fuzzHttpsProxy,
  'nps-server': fuzzNpsServer,
}
const FLAGS = {
  seconds: { least: 1, most: 86_400, otherwise: 20 },
  cases: { least: 0, most: 1e12, whole: true, otherwise: 100_000 },
  seed: {
    least: 0,
    most: 2 ** 32 - 1,
    whole: true,
    otherwise: Number(process.env['TEST_SEED'] ?? randomInt(2 ** 32)),
  },
}

async function main(): Promise<boolean> {
  const { names, numbers } = readCommandLine(process.argv.slice(2), Object.keys(TARGETS), FLAGS)
  let isSound = true
  for (const name of names) isSound = (await fuzz(name, numbers)) && isSound
  return isSound
}

async function fuzz(name: string, run: Omit<FuzzRun, 'say'>): Promise<boolean> {
  const say = (line: string): void => console.log(`fuzz ${name}: ${line}`)
  say(`${run.seconds} s and ${run.cases} cases, seed ${run.seed}`)
  const flaws = (await TARGETS[name]?.({ ...run, say })) ?? []
  for (const flaw of flaws) console.error(`fuzz ${name}: ${flaw}`)
  say(flaws.length === 0 ? 'ok' : `failed; once more with --seed ${run.seed}`)
  return flaws.length === 0
}

await runCommand('fuzz', main)
