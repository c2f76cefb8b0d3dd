import { type Lab, measure, shaped } from '../lab.ts'
import { tcp } from '../load.ts'
import { pipe } from '../peers/pipe.ts'
import { addUser, sluice } from '../peers/sluice.ts'
import { percent } from '../stats.ts'
import { type Case, type Section, defineCase } from './section.ts'

const RATE = '10MB/s'
const RATE_BYTES = 10_000_000
const SEND_BUFFER = 65_536
const MANY = 50
/** How far from the half a user's share may be. */
const TOLERANCE = 0.01

const KINDS = {
  down: { op: 'down', flag: '--node-down' },
  up: { op: 'up', flag: '--node-up' },
  total: { op: 'both', flag: '--node-total' },
} as const

type Kind = keyof typeof KINDS
const ALL_KINDS: readonly Kind[] = ['down', 'up', 'total']

/** Bytes in the window over what the limit allows, of the user with many connections and of the one with one. */
interface Shares {
  many: number
  one: number
}

async function share(lab: Lab, kind: Kind): Promise<Shares> {
  const peer = shaped(lab, [pipe])
  const login = (name: string): string => (peer === sluice ? addUser(lab.dir, name) : `${name}:any`)
  const users = `${login('many')}*${MANY},${login('one')}*1`
  const secs = lab.secs ?? 20
  const { op, flag } = KINDS[kind]
  const load = { op, conns: MANY + 1, users, secs, warm: 5, osnd: SEND_BUFFER, csnd: SEND_BUFFER }
  const result = await measure(lab, peer, tcp(load), { flags: [flag, RATE] })
  const [many = 0, one = 0] = result.users.map(({ down, up }) => (down + up) / secs / RATE_BYTES)
  lab.log(`  ${percent(many)} and ${percent(one)} of the limit`)
  return { many, one }
}

function kindCase(kind: Kind): Case {
  return defineCase<Shares>({
    key: `node-share/${kind}`,
    peers: [sluice],
    measure: (lab) => share(lab, kind),
    lines: ({ many, one }) => {
      const sum = many + one
      const equal = Math.abs(one / sum - 0.5) <= TOLERANCE
      const cells = [`\`${KINDS[kind].flag} ${RATE}\``, percent(sum), percent(many / sum), percent(one / sum)]
      return [{ cells: [...cells, '99–101 %, 50 ± 1 % each'], met: equal && sum >= 0.99 && sum <= 1.01 }]
    },
  })
}

export const nodeShare: Section = {
  project: 'remote-proxy',
  title: 'Two users under one node limit',
  about: `Neither user has a limit of their own; one has ${MANY} connections, the other one. 5 s of warm-up, then 20 s. Under the
total limit both directions are loaded at once.`,
  header: ['Limit', 'Of the limit', `${MANY} connections`, '1 connection', 'Target'],
  cases: ALL_KINDS.map(kindCase),
}
