import { type Lab, type Measured, measure } from '../lab.ts'
import { requests, type RequestLoad, type RequestResult } from '../load.ts'
import { httpsProxy, type Way } from '../peers/https-proxy.ts'
import { median } from '../stats.ts'
import { type Case, type Section, defineCase } from './section.ts'

const SLOTS = 100
/** So that no address has more connections without a login than one may. */
const SOURCES = 100
const KIB = 1024
const WARM = requests({ op: 'once', conns: 100, nsrc: SOURCES })

interface Crowd {
  way: Way
  /** Of one process. */
  clients: number
  processes: number
  /** Seconds over which they connect. */
  rise: number
}

interface Figures {
  answered: number
  seconds: number
  /** From when all asked. */
  asked: number
  /** Of resident memory at its most, for each connection. */
  kib: number
}

const peerOf = ({ way }: Crowd): ReturnType<typeof httpsProxy> =>
  httpsProxy(way, { flags: ['--slots', String(SLOTS), '--max-connections', '16000'] })

async function crowd(lab: Lab, order: Crowd): Promise<Figures> {
  const together = gather(order.processes)
  const results = await Promise.all(
    Array.from({ length: order.processes }, () => ask(lab, order, order.clients, together)),
  )
  const answered = results.reduce((total, { statuses }) => total + (statuses['200'] ?? 0), 0)
  const seconds = Math.max(...results.map((one) => one.seconds))
  const asked = Math.max(...results.map((one) => one.askSeconds))
  const kib = Math.max(...results.map(({ peakBytes }) => peakBytes)) / KIB / order.clients
  lab.log(`  ${JSON.stringify({ answered, seconds, asked, kib })}`)
  return { answered, seconds, asked, kib }
}

function ask(
  lab: Lab,
  order: Crowd,
  conns: number,
  together: () => Promise<void>,
): Promise<Measured<RequestResult>> {
  const load: RequestLoad = { op: 'once', conns, nsrc: SOURCES, body: KIB, rise: order.rise }
  const drive = requests(load)
  return measure(
    lab,
    peerOf(order),
    async (route, onMark) => {
      await together()
      return drive(route, onMark)
    },
    { origin: {}, warm: WARM },
  )
}

/** Resolves for each of so many once all are there. */
function gather(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let missing = count
  return () => {
    if (--missing === 0) resolve()
    return promise
  }
}

async function rounds(lab: Lab, order: Crowd): Promise<Figures[]> {
  const all: Figures[] = []
  while (all.length < lab.rounds) all.push(await crowd(lab, order))
  return all
}

interface Bounds {
  seconds: number
  kib: number
}

function crowdCase(key: string, label: string, order: Crowd, bounds?: Bounds): Case {
  const wanted = order.clients * order.processes
  return defineCase<Figures[]>({
    key: `requests/${key}`,
    peers: [peerOf(order)],
    measure: (lab) => rounds(lab, order),
    lines: (all) => {
      const answered = Math.min(...all.map((one) => one.answered))
      const [seconds, kib] = [median(all.map((one) => one.seconds)), median(all.map((one) => one.kib))]
      const asked = median(all.map((one) => one.asked))
      const slowest = Math.max(...all.map((one) => one.seconds))
      const limits = bounds === undefined ? '' : `, ≤ ${bounds.seconds} s, ≤ ${bounds.kib} KiB`
      const target = `all${limits}`
      const shown = [
        answered.toLocaleString('en'),
        seconds.toFixed(2),
        slowest.toFixed(2),
        asked.toFixed(2),
        kib.toFixed(1),
      ]
      const isWithin = bounds === undefined || (seconds <= bounds.seconds && kib <= bounds.kib)
      return [{ cells: [label, ...shown, target], met: answered === wanted && isWithin }]
    },
  })
}

const BOUNDS: Bounds = { seconds: 4, kib: 18 }

export const requestCrowds: Section = {
  project: 'https-proxy',
  title: 'https-proxy, thousands of clients at the same moment, one request each',
  about: `Every client opens its connection; when all are there, all ask at the same moment. They come from ${SOURCES} addresses of
loopback, evenly over the better part of a second (two processes: three seconds), for the system keeps 4,096 of a listener that
are not accepted yet (net.core.somaxconn). Seconds run from the first connect to the last answer of 200 with its whole body
of 1 KiB; how many of these are from the asking is told apart. ${SLOTS} requests are under way at most. The origin is nginx by
HTTPS in a process of its own, its certificate checked. Answered: the fewest of all rounds. KiB a connection: the peak of
the resident set (VmHWM, reset before) less the resident set before the first of them, after 100 requests that came and
went, over the number of clients. With two processes each has an origin of its own, both proxies share the one core and
both loads the other; a process may open 20,000 files here, so one cannot serve them all.`,
  header: ['Clients', 'Answered', 'Seconds', 'Slowest', 'Of these to answer', 'KiB a connection', 'Target'],
  cases: [
    crowdCase(
      'once/api',
      '10,000, by the API',
      { way: 'api', clients: 10_000, processes: 1, rise: 0.8 },
      BOUNDS,
    ),
    crowdCase(
      'once/compat',
      '10,000, by frames',
      { way: 'compat', clients: 10_000, processes: 1, rise: 0.8 },
      BOUNDS,
    ),
    crowdCase('once/two', '30,000, by the API, 2 processes', {
      way: 'api',
      clients: 15_000,
      processes: 2,
      rise: 3,
    }),
  ],
}
