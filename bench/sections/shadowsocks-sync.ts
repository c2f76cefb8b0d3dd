import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab } from '../lab.ts'
import { tcp, type TcpResult } from '../load.ts'
import { startPanel } from '../peers/panel.ts'
import { startSsLocal } from '../peers/ss-local.ts'
import { launchNode, ssNode } from '../peers/ss-node.ts'
import { secretOf } from '../peers/ss-secret.ts'
import { doorPort } from '../peers/sluice.ts'
import { freePort, type Program, untilReady } from '../process.ts'
import { COMPARISON_HEADER, compareFigures } from './comparison.ts'
import type { Case, Section } from './section.ts'

const METHOD = 'aes-256-gcm'
const SECONDS = 5
/** Below those that the system gives to clients. */
const FIRST_PORT = 20_000

interface Crowd {
  count: number
  isShared: boolean
}

interface Figures {
  /** Seconds from the node's question to the answer that the last user got through it. */
  seconds: number
  /** The longest round trip of the one connection that was there before, ms. */
  stall: number
}

async function sync(lab: Lab, { count, isShared }: Crowd): Promise<Figures> {
  const origin = await freePort()
  const secret = secretOf(METHOD)
  const panel = await startPanel({ count, isShared, method: METHOD, secret, port: FIRST_PORT, origin })
  const programs: Program[] = []
  try {
    const data = mkdtempSync(join(lab.dir, 'synced-'))
    const flags = ['--port', String(FIRST_PORT), '--api-endpoint', panel.url, '--sync-time', '1s']
    const node = launchNode(lab.dir, data, flags)
    programs.push(node)
    const server = await untilReady(node, () => doorPort(node, 'ss'))
    const local = await startSsLocal(lab.dir, server, `${METHOD}:${secret}`)
    programs.push(local.program)
    return await pingAndGrow({
      proxy: local.port,
      origin,
      grow: () => panel.grow(),
      secs: lab.secs ?? SECONDS,
    })
  } finally {
    panel.stop()
    for (const program of programs.toReversed()) await program.stop()
  }
}

/** The users are told a second after the node has warmed up, so that the window has all of it. */
async function pingAndGrow(parts: {
  proxy: number
  origin: number
  grow: () => Promise<number>
  secs: number
}): Promise<Figures> {
  const { proxy, origin, grow, secs } = parts
  const load = tcp({ op: 'pp', conns: 1, secs, warm: 2 })
  const { promise, resolve } = Promise.withResolvers<number>()
  const result: TcpResult = await load({ mode: 'socks5', proxy, origin }, (mark) => {
    if (mark === 'BEGIN') resolve(grow())
  })
  if (result.fails > 0) throw new Error('the connection broke')
  const served = await Promise.race([promise, tooLate(secs)])
  return { seconds: served / 1000, stall: result.exchanges.maxus / 1000 }
}

const tooLate = (secs: number): Promise<never> =>
  new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`not served within ${secs} s`)), 10).unref()
  })

const crowdCase = (key: string, label: string, crowd: Crowd): Case =>
  compareFigures({
    key: `shadowsocks/sync/${key}`,
    figures: { [`${label}: seconds`]: { atMost: 2 }, [`${label}: longest round trip, ms`]: { atMost: 20 } },
    peers: [ssNode(METHOD)],
    sample: async (lab) => {
      const { seconds, stall } = await sync(lab, crowd)
      return { [`${label}: seconds`]: seconds, [`${label}: longest round trip, ms`]: stall }
    },
  })

export const shadowsocksSync: Section = {
  project: 'ss-node',
  title: 'Shadowsocks, users of a panel: how soon they can come in, and what others feel',
  about: `${METHOD}. The node asks its panel every second; one answer has thousands of users more than the one before. Seconds from
that question until the last of the new users got an answer from the target: where all share a port, the node has tried
all keys then. And the longest round trip meanwhile of 64 bytes on a connection that was there before, through ss-local.`,
  header: COMPARISON_HEADER,
  cases: [
    crowdCase('shared', '10,000 on one port', { count: 10_000, isShared: true }),
    crowdCase('ports', '2,000 on ports of their own', { count: 2000, isShared: false }),
  ],
}
