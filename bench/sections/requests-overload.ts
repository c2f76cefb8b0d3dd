import { type Lab, measure } from '../lab.ts'
import { requests } from '../load.ts'
import { httpsProxy } from '../peers/https-proxy.ts'
import { median, percent } from '../stats.ts'
import { type Section, defineCase } from './section.ts'

const SLOTS = 20
const SERVICE_MS = 100
const CAPACITY = (SLOTS * 1000) / SERVICE_MS
const RATE = 5 * CAPACITY
const SECONDS = 60
/** Of this length these are enough. */
const ROUNDS = 3
const TARGET_MS = 500
const SOURCES = 20
/** More than enough for what is under way and in the queue at the shedder's target, and for what is being refused. */
const CONNS = 4000
const QUEUE_BYTES = 16 * 2 ** 20
const KIB_A_CONNECTION = 18
const BOUND_MIB = (QUEUE_BYTES + CONNS * KIB_A_CONNECTION * 1024) / 2 ** 20
/** Of an answer that is as fast as those of an idle proxy: over the slowest of these. */
const TOLERANCE_MS = 20
const TAIL = 6

interface Figures {
  /** Of answers of 200 in the window, ms. */
  p99: number
  /** 200s over what the slots could serve. */
  goodput: number
  /** 200s, and answers by other statuses. */
  statuses: Record<string, number>
  missed: number
  /** Peak of the resident set over what it was before, MiB. */
  mib: number
  /** Before the overload, ms: the slowest answer. */
  idle: number
  /** From the end of the overload to when the last answer slower than idle was asked for. */
  recoverMs: number
}

const SHED = ['--shed-target', `${TARGET_MS}ms`, '--queue-bytes', `${QUEUE_BYTES / 2 ** 20}MiB`]
const peer = httpsProxy('api', { flags: ['--slots', String(SLOTS), ...SHED] })

async function overload(lab: Lab): Promise<Figures> {
  const secs = lab.secs ?? SECONDS
  const calm = requests({ op: 'rate', conns: 20, rate: 20, secs: 3, warm: 1, nsrc: SOURCES })
  let idle = 0
  const result = await measure(
    lab,
    peer,
    async (route, onMark) => {
      idle = (await calm(route, () => undefined)).exchanges.maxus / 1000
      const probes = { tail: TAIL, tailrate: 50, slow: idle + TOLERANCE_MS }
      return requests({ op: 'rate', conns: CONNS, rate: RATE, secs, warm: 0, nsrc: SOURCES, ...probes })(
        route,
        onMark,
      )
    },
    { origin: { service: { middle: SERVICE_MS, spread: 0 } } },
  )
  const { statuses, missed, recoverMs } = result
  const figures = {
    p99: result.exchanges.p99us / 1000,
    goodput: result.exchanges.count / result.seconds / CAPACITY,
    ...{ statuses, missed, idle, recoverMs },
    mib: result.peakBytes / 2 ** 20,
  }
  lab.log(`  ${JSON.stringify(figures)}`)
  return figures
}

async function rounds(lab: Lab): Promise<Figures[]> {
  const all: Figures[] = []
  while (all.length < Math.min(lab.rounds, ROUNDS)) all.push(await overload(lab))
  return all
}

const MOST = { p99: 2000, recoverMs: 2000 }
const LEAST_GOODPUT = 0.95

const line = (
  label: string,
  shown: string,
  target: string,
  met: boolean,
): { cells: string[]; met: boolean } => ({ cells: [label, shown, target], met })

const overloadCase = defineCase<Figures[]>({
  key: 'requests/overload',
  peers: [peer],
  measure: rounds,
  lines: (all) => {
    const of = (name: 'p99' | 'goodput' | 'mib' | 'recoverMs' | 'idle'): number =>
      median(all.map((one) => one[name]))
    return [
      line('p99 of 200s', `${of('p99').toFixed(0)} ms`, `≤ ${MOST.p99} ms`, of('p99') <= MOST.p99),
      line('200s', percent(of('goodput')), `≥ ${LEAST_GOODPUT * 100} %`, of('goodput') >= LEAST_GOODPUT),
      line(
        'memory at its peak',
        `${of('mib').toFixed(1)} MiB`,
        `≤ ${BOUND_MIB.toFixed(0)} MiB`,
        of('mib') <= BOUND_MIB,
      ),
      line(
        'idle again',
        `${of('recoverMs').toFixed(0)} ms`,
        `≤ ${MOST.recoverMs} ms`,
        of('recoverMs') <= MOST.recoverMs,
      ),
    ]
  },
})

export const requestOverload: Section = {
  project: 'https-proxy',
  title: `https-proxy, ${SECONDS} s of five times what it can serve`,
  about: `${ROUNDS} rounds. ${SLOTS} slots and an origin of ${SERVICE_MS} ms serve ${CAPACITY} requests a second; ${RATE.toLocaleString('en')} are asked for, whatever comes of those before, on
${CONNS.toLocaleString('en')} connections that are kept where the proxy keeps them, by guests from ${SOURCES} addresses. Queue timeout as it is by default (30 s),
\`--shed-target ${TARGET_MS}ms\`, \`--queue-bytes 16MiB\`. Time of a 200: from sending the request until the answer is whole. 200s: of what
the slots could have served. Memory: the peak of the resident set (VmHWM) over what was resident before, bounded by the
queue's bytes and ${KIB_A_CONNECTION} KiB for each connection. Idle again: 50 requests a second follow the overload at once; the time from its
end until the last of them was asked for that was no 200 within ${TOLERANCE_MS} ms of the slowest before the overload.`,
  header: ['Figure', 'Median', 'Target'],
  cases: [overloadCase],
}
