import { type Lab, chosen, interleave, measure } from '../lab.ts'
import { requests, type RequestLoad, tcpApart } from '../load.ts'
import { httpsProxy } from '../peers/https-proxy.ts'
import type { Peer } from '../peers/peer.ts'
import { seedQueue, seedQueueLean } from '../peers/seed-queue.ts'
import { squidHttp } from '../peers/squid.ts'
import { median } from '../stats.ts'
import { COMPARISON_HEADER, compare } from './comparison.ts'
import { type Case, type Line, type Section, defineCase } from './section.ts'

const SOURCES = 100
const LEAST_RATIO = 40

interface Figures {
  /** Requests a second, of the clock. */
  rate: number
  /** CPU seconds of 1,000 requests. */
  cpu: number
}

const sluiceCompat = httpsProxy('compat')
const sluiceApi = httpsProxy('api', { name: 'sluice-api' })

/** Threads that hinder one another end in waves some seconds apart. */
const secondsFor = (peer: Peer): number => (peer === seedQueue ? 20 : 8)

async function sample(lab: Lab, peer: Peer, clients: number): Promise<Figures> {
  const load: RequestLoad = { op: 'loop', conns: clients, nsrc: SOURCES, body: 1024 }
  const drive = requests({ ...load, secs: lab.secs ?? secondsFor(peer), warm: 4 })
  const { statuses, seconds, cpuSeconds, exchanges } = await measure(lab, peer, drive, { origin: {} })
  const others = Object.keys(statuses).filter((status) => status !== '200')
  if (others.length > 0) throw new Error(`${peer.name} answered ${JSON.stringify(statuses)}`)
  return { rate: exchanges.count / seconds, cpu: cpuSeconds / (exchanges.count / 1000) }
}

function rateCase(clients: number): Case {
  const peers = [sluiceCompat, sluiceApi, seedQueue, seedQueueLean]
  return defineCase<Record<string, Figures[]>>({
    key: `requests/rate/${clients}`,
    peers,
    measure: (lab) =>
      interleave(lab, chosen(lab, peers), (peer) => sample(lab, peer, clients), JSON.stringify),
    lines: (samples) => Object.keys(samples).map((name) => line(clients, name, samples)),
  })
}

const round = (value: number): string => Math.round(value).toLocaleString('en')

function line(clients: number, name: string, samples: Record<string, Figures[]>): Line {
  const rates = (samples[name] ?? []).map(({ rate }) => rate)
  const ours = median((samples[sluiceCompat.name] ?? []).map(({ rate }) => rate))
  const ratio = ours / median(rates)
  const isSeed = name === seedQueue.name
  const cells = [
    clients.toLocaleString('en'),
    name,
    round(median(rates)),
    `${round(Math.min(...rates))} – ${round(Math.max(...rates))}`,
    median((samples[name] ?? []).map(({ cpu }) => cpu)).toFixed(3),
    name === sluiceCompat.name || Number.isNaN(ratio) ? '' : `${ratio.toFixed(1)}x`,
    isSeed ? `≥ ${LEAST_RATIO}x` : '',
  ]
  return { cells, met: isSeed && !Number.isNaN(ratio) ? ratio >= LEAST_RATIO : undefined }
}

export const requestRate: Section = {
  project: 'https-proxy',
  title: 'https-proxy, requests a second beside the design that it follows',
  about: `Clients that ask again as soon as they have their answer, of 1 KiB from nginx by HTTPS, in frames with a connection each
request; 100 workers, or slots. python-queue is [that design in Python](../bench/peers/seed-queue.py): asyncio, a queue,
threads that call \`requests.get\`, which checks no certificate and connects anew each time. Where OpenSSL is told of
one file with all authorities, as by SSL_CERT_FILE, that call reads all of it each time though it checks nothing, and takes
ten times as long: python-queue is as the machine has it, python-queue-lean is told that there are none. Ours checks
certificates and keeps its connections, shapes, counts and writes a line a request. Every answer must be a 200 of that length. sluice-api,
for information, is ours by the HTTP API on kept connections. CPU-seconds are the proxy's, for 1,000 requests; the origin
and the load share the other core.`,
  header: ['Clients', 'Program', 'Requests/s', 'Min – max', 'CPU-s per 1,000', 'Ours ÷ it', 'Target'],
  cases: [rateCase(200), rateCase(1000)],
}

const FORWARDED = 64

async function cpuPerTenThousand(lab: Lab, peer: Peer): Promise<number> {
  const load = tcpApart({ op: 'get', conns: FORWARDED, secs: lab.secs ?? 5, warm: 3 })
  const { cpuSeconds, exchanges } = await measure(lab, peer, load)
  return cpuSeconds / (exchanges.count / 10_000)
}

const sluiceForward = httpsProxy('http', { users: ['bench'] })

export const requestForward: Section = {
  project: 'https-proxy',
  title: `https-proxy, plain HTTP forwarded, ${FORWARDED} kept connections: CPU-seconds per 10,000 requests`,
  about: `As with remote-proxy above: GET in absolute form, the origin answers with 1 KiB. Ours checks a password with each
request, has it wait for one of 100 slots, and writes its log to a file. squid: no authentication, no cache, no log.`,
  header: COMPARISON_HEADER,
  cases: [
    compare({
      key: 'requests/forward',
      label: 'GET, 1 KiB',
      peers: [sluiceForward, squidHttp],
      targets: { ratioTo: { [squidHttp.name]: 1.2 } },
      sample: cpuPerTenThousand,
    }),
  ],
}
