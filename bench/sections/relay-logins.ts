import { type Lab, measure } from '../lab.ts'
import { relay } from '../load.ts'
import { sluiceRelay } from '../peers/relay.ts'
import { median } from '../stats.ts'
import { type Case, type Section, defineCase } from './section.ts'

const IN_FLIGHT = 16
/** A peer that has a circuit begins before the others pour in, and ends after them. */
const MARGIN_SECS = 3

interface Figures {
  /** By each second of the relay's CPU time. */
  rate: number
  /** The longest round trip on a circuit meanwhile, ms. */
  stall: number
  busy: number
}

async function pour(lab: Lab, transport: 'tcp' | 'tls'): Promise<Figures> {
  const secs = lab.secs ?? 5
  const ping = relay({ op: 'ping', conns: 1, secs: secs + 2 * MARGIN_SECS, warm: 1 })
  const logins = relay({ op: 'login', conns: IN_FLIGHT, secs, warm: 2 })
  let stall = 0
  const result = await measure(lab, sluiceRelay(transport), async (route, onMark) => {
    const { promise: ready, resolve } = Promise.withResolvers<void>()
    const pinging = ping(route, (mark) => mark === 'BEGIN' && resolve())
    await Promise.race([ready, pinging])
    const poured = await logins(route, onMark)
    stall = (await pinging).exchanges.maxus / 1000
    return poured
  })
  const figures = { rate: result.exchanges.count / result.cpuSeconds, stall, busy: result.busy }
  lab.log(`  ${JSON.stringify({ ...figures, wall: result.exchanges.count / result.seconds })}`)
  return figures
}

async function rounds(lab: Lab, transport: 'tcp' | 'tls'): Promise<Figures[]> {
  const all: Figures[] = []
  while (all.length < lab.rounds) all.push(await pour(lab, transport))
  return all
}

const STALL_MS = 50

const loginCase = (transport: 'tcp' | 'tls', least: number): Case =>
  defineCase<Figures[]>({
    key: `relay/logins/${transport}`,
    peers: [sluiceRelay(transport)],
    measure: (lab) => rounds(lab, transport),
    lines: (all) => {
      const rate = median(all.map((one) => one.rate))
      const stall = median(all.map((one) => one.stall))
      const [slowest, worst] = [
        Math.min(...all.map((one) => one.rate)),
        Math.max(...all.map((one) => one.stall)),
      ]
      const shown = [rate, slowest].map((value) => Math.round(value).toLocaleString('en'))
      const target = `≥ ${least.toLocaleString('en')}, ≤ ${STALL_MS} ms`
      const cells = [transport, ...shown, stall.toFixed(1), worst.toFixed(1), target]
      return [{ cells, met: rate >= least && stall <= STALL_MS }]
    },
  })

export const relayLogins: Section = {
  project: 'relay',
  title: 'Relay, logins a second on one core, and what a running circuit feels',
  about: `${IN_FLIGHT} at a time connect, log in and close, each with an identity of its own, again and
again, as peers do for their circuits. A login is a new connection, by tls its
handshake (TLS 1.3, no resumption) with the certificate over the relay's Ed25519 key, the relay's proof and the check of
the peer's. Logins over the relay's CPU seconds, so that a load generator that is slower than the relay takes nothing
from it. Meanwhile a process of its own sends 64 bytes through a circuit every 2 ms and has them back: the longest round
trip, that process and the others sharing the load's core.`,
  header: ['By', 'Logins/s', 'Least', 'Longest round trip, ms', 'Worst', 'Target'],
  cases: [loginCase('tcp', 2000), loginCase('tls', 500)],
}
