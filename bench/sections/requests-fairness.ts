import { type Lab, measure } from '../lab.ts'
import { requests, type RequestResult } from '../load.ts'
import type { Service } from '../peers/https-origin.ts'
import { httpsProxy, loginOf } from '../peers/https-proxy.ts'
import { median } from '../stats.ts'
import { type Case, type Section, defineCase } from './section.ts'

const SLOTS = 20
const SERVICE_MS = 100
const CAPACITY = (SLOTS * 1000) / SERVICE_MS
const FLOOD_FACTOR = 20
const QUEUE = 2000
/** Of the flood: as many as may wait or be under way, and some whose requests are being refused. */
const CONNS = QUEUE + SLOTS + 500
/** Each asks once a second. */
const LIGHT = Array.from({ length: 20 }, (_, index) => `light-${index}`)
const SECONDS = 30
/** Of this length these are enough. */
const ROUNDS = 3
/** The flood has filled the queue when the others begin, and goes on until they have ended. */
const FLOOD_WARM = 3
const MARGIN = 3
/** All of them sign in meanwhile: on one core that is seconds of nothing but checks of passwords. */
const LIGHT_WARM = 8
const WAIT_MS = (2 * SERVICE_MS) / SLOTS + 20

interface Figures {
  samples: number
  /** Of the light users: answers that were no 200, or none. */
  errors: number
  p50: number
  p99: number
  max: number
  /** Of the flood: 200s a second. */
  flooded: number
  refused: number
}

const peer = httpsProxy('api', {
  users: ['flood', ...LIGHT],
  flags: ['--slots', String(SLOTS), '--queue', String(QUEUE)],
})

async function compete(lab: Lab, service: Service): Promise<Figures> {
  const secs = lab.secs ?? SECONDS
  const rate = CAPACITY * FLOOD_FACTOR
  const flood = requests({
    ...{ op: 'rate', conns: CONNS, rate, secs: LIGHT_WARM + secs + MARGIN, warm: FLOOD_WARM },
    ...{ users: loginOf('flood'), nsrc: 10, first: LIGHT.length },
  })
  const light = requests({
    ...{ op: 'rate', conns: LIGHT.length, rate: LIGHT.length, secs, warm: LIGHT_WARM, told: 1 },
    ...{ users: LIGHT.map(loginOf).join(), nsrc: LIGHT.length },
  })
  let crowded: RequestResult | undefined
  const result = await measure(
    lab,
    peer,
    async (route, onMark) => {
      const { promise: full, resolve } = Promise.withResolvers<void>()
      const flooding = flood(route, (mark) => mark === 'BEGIN' && resolve())
      await Promise.race([full, flooding])
      const calm = await light(route, onMark)
      crowded = await flooding
      return calm
    },
    { origin: { service } },
  )
  const figures = figuresOf(result, crowded)
  lab.log(`  ${JSON.stringify({ ...figures, statuses: result.statuses, flood: crowded?.statuses })}`)
  return figures
}

const answers = ({ statuses }: RequestResult): number => Object.values(statuses).reduce((a, b) => a + b, 0)

function figuresOf(light: RequestResult, flood: RequestResult | undefined): Figures {
  const { count, p50us, p99us, maxus } = light.exchanges
  const good = flood?.statuses['200'] ?? 0
  return {
    samples: count,
    errors: answers(light) - count + light.missed,
    ...{ p50: p50us / 1000, p99: p99us / 1000, max: maxus / 1000 },
    flooded: good / (flood?.seconds ?? 1),
    refused: flood === undefined ? 0 : answers(flood) - good + flood.missed,
  }
}

async function rounds(lab: Lab, service: Service): Promise<Figures[]> {
  const all: Figures[] = []
  while (all.length < Math.min(lab.rounds, ROUNDS)) all.push(await compete(lab, service))
  return all
}

const fairnessCase = (key: string, label: string, service: Service, isBound: boolean): Case =>
  defineCase<Figures[]>({
    key: `requests/fairness/${key}`,
    peers: [peer],
    measure: (lab) => rounds(lab, service),
    lines: (all) => {
      const of = (name: keyof Figures): number[] => all.map((one) => one[name])
      const p99 = median(of('p99'))
      const [samples, errors] = [Math.min(...of('samples')), Math.max(...of('errors'))]
      const shown = [median(of('p50')), p99, Math.max(...of('max'))].map((value) => value.toFixed(1))
      const flooded = Math.round(median(of('flooded'))).toLocaleString('en')
      const target = isBound ? `p99 ≤ ${WAIT_MS} ms, no errors` : 'no errors'
      const cells = [label, String(samples), String(errors), ...shown, flooded, target]
      return [{ cells, met: errors === 0 && (!isBound || p99 <= WAIT_MS) }]
    },
  })

const SPREAD = 50

export const requestFairness: Section = {
  project: 'https-proxy',
  title: 'https-proxy, one user floods: what the others wait',
  about: `${ROUNDS} rounds. ${SLOTS} slots and an origin of ${SERVICE_MS} ms, which serve ${CAPACITY} requests a second. One user asks ${(CAPACITY * FLOOD_FACTOR).toLocaleString('en')} times a second whatever comes of
it, on ${CONNS.toLocaleString('en')} kept connections, so the queue of ${QUEUE.toLocaleString('en')} is full throughout. ${LIGHT.length} others ask once a second each, evenly
spread over it, for ${SECONDS} s: that is ${LIGHT.length * SECONDS} samples in half a minute, where one user alone would need ten. Their wait, in
ms, is from sending the request to having the answer, less what the origin says that it took; the proxy's work is in it. They
have signed in within the ${LIGHT_WARM} s before, while the flood is on: a user's password is checked once an hour, for a tenth of a second
of CPU, and ${LIGHT.length} users have ${LIGHT.length} times what the one has whom they stand for. The bound is twice the service time over the slots, and 20 ms. Spread: each answer takes
${SERVICE_MS - SPREAD} to ${SERVICE_MS + SPREAD} ms. Where each takes exactly ${SERVICE_MS} ms, slots that became busy together become free together, and the
next time too; then nothing but luck bounds a wait below the service time: for information.`,
  header: ['Service', 'Samples', 'Errors', 'p50', 'p99', 'Longest', "Flood's 200s/s", 'Target'],
  cases: [
    fairnessCase('spread', 'spread', { middle: SERVICE_MS, spread: SPREAD }, true),
    fairnessCase('fixed', 'fixed', { middle: SERVICE_MS, spread: 0 }, false),
  ],
}
