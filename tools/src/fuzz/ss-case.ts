import type { Address } from '@sluice/wire'
import { askSs, type SsLogin } from '../subject/ss-tunnel.ts'
import type { Dice } from './dice.ts'
import type { Ending, HandshakeCase } from './handshake-case.ts'
import { mutate } from './mutation.ts'

/** What one client does at a Shadowsocks port. */
export interface SsCase extends HandshakeCase {
  readonly login: SsLogin
  /** Nobody can know what this client is, so the server may say nothing. */
  readonly isStranger: boolean
}

const ENDINGS: readonly Ending[] = ['end', 'end', 'reset', 'reset', 'deaf', 'wait']
/** The lengths at which servers that answer strangers give themselves away, and some more. */
const NOISE_BYTES = 400
const EARLY_BYTES = 2000

/** The next client, as `dice` has it. Salts are random all the same, since they must not come twice. */
export function makeSsCase(dice: Dice, logins: readonly SsLogin[], target: Address): SsCase {
  const login = dice.pick(logins)
  const isStranger = dice.once(3)
  const bytes = isStranger ? dice.bytes(1 + dice.below(NOISE_BYTES)) : damaged(dice, login, target)
  return { login, isStranger, pieces: split(dice, bytes), ending: dice.pick(ENDINGS) }
}

/** A request as it should be with something wrong: of itself, of what follows it, or of where it leads. */
function damaged(dice: Dice, login: SsLogin, target: Address): Uint8Array {
  const elsewhere = dice.pick([
    { host: '10.0.0.1', port: 80 },
    { host: target.host, port: 0 },
    { host: 'nobody.invalid', port: 1 },
  ])
  const early = dice.bytes(dice.below(EARLY_BYTES))
  const { bytes } = askSs(login, dice.once(6) ? elsewhere : target, early)
  if (dice.once(4)) return bytes.subarray(0, dice.below(bytes.length))
  if (dice.once(4)) return Buffer.concat([bytes, dice.bytes(1 + dice.below(EARLY_BYTES))])
  return mutate(dice, bytes)
}

/** In one piece, or a few. */
function split(dice: Dice, bytes: Uint8Array): Uint8Array[] {
  const cuts = Array.from({ length: dice.below(4) }, () => dice.below(bytes.length + 1))
  const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
  return edges.slice(1).map((end, at) => bytes.subarray(edges[at], end))
}
