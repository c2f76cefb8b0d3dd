import { createHash, randomBytes } from 'node:crypto'
import type { Credential, User } from '@sluice/userstore'
import type { z } from 'zod'
import { ConfigError } from './config-error.ts'
import { textType } from './config-types.ts'
import { flag } from './config.ts'

/** What the flags of `user add` and `user set` say about a user's NodeIDs and their token. */
export interface BearerFlags {
  nodeId: string[] | undefined
  newToken: boolean
  tokenStdin: boolean
}

/** Random octets of a token of ours. */
const TOKEN_BYTES = 32
/** 128 bits in Base64. */
const TOKEN_MIN_CHARS = 22
/** What the relay's protocol carries. */
const TOKEN_MAX_BYTES = 256

const nodeIds = textType('ID[,ID]', 'NodeIDs: 32 octets each, in Base58', (written) => {
  const ids = written.split(',').map((id) => id.trim())
  if (ids.includes('')) throw new RangeError('nothing')
  return [...new Set(ids)]
})

export const bearerFlags: { [K in keyof BearerFlags]: z.ZodType<BearerFlags[K]> } = {
  nodeId: nodeIds.optional().meta({
    description: 'peers that the user comes in as; given again, they add up',
    from: ['flag'],
    group: 'relay',
    list: true,
  }),
  newToken: flag('make an access token and print it, this once', 'relay'),
  tokenStdin: flag('read the access token from standard input', 'relay'),
}

/** NodeIDs and a token, and the token's text where it is of our own making. */
export interface BearerChange {
  credentials: Credential[]
  made?: string
}

/**
 * What the flags ask for. A token is what clients send, octet for octet.
 * @param users - all that there are, since a NodeID is one user's alone
 * @throws ConfigError that never has a token in it
 */
export async function bearersOf(
  name: string,
  flags: BearerFlags,
  token: Uint8Array | undefined,
  users: readonly User[],
): Promise<BearerChange> {
  if (flags.newToken && token !== undefined)
    throw new ConfigError('USAGE', '--new-token: --token-stdin is given as well')
  const ids = flags.nodeId ?? []
  if (ids.length > 0) await checkNodeIds(name, ids, users)
  const made = flags.newToken ? randomBytes(TOKEN_BYTES).toString('base64url') : undefined
  const secret = made === undefined ? token && checkedToken(token) : Buffer.from(made)
  return {
    credentials: [
      ...ids.map((nodeId): Credential => ({ kind: 'nodeId', nodeId })),
      ...(secret === undefined ? [] : [tokenOf(secret)]),
    ],
    ...(made !== undefined && { made }),
  }
}

async function checkNodeIds(name: string, ids: readonly string[], users: readonly User[]): Promise<void> {
  // Loaded where it is needed: most programs have nothing to do with it.
  const { parseNodeId } = await import('@sluice/wire/relay')
  for (const id of ids) {
    try {
      parseNodeId(id)
    } catch {
      const written = JSON.stringify(id.slice(0, 80))
      throw new ConfigError('USAGE', `--node-id: ${written} is no NodeID: wanted 32 octets in Base58`)
    }
    const holder = users.find((user) => user.name !== name && has(user, id))
    if (holder === undefined) continue
    throw new ConfigError('USAGE', `--node-id: ${id} is ${JSON.stringify(holder.name)}’s`)
  }
}

const has = ({ credentials }: User, id: string): boolean =>
  credentials.some((each) => each.kind === 'nodeId' && each.nodeId === id)

/** A plain hash will do for what nobody can guess, so it has to be long. */
function checkedToken(token: Uint8Array): Uint8Array {
  if (token.length >= TOKEN_MIN_CHARS && token.length <= TOKEN_MAX_BYTES) return token
  const wanted = `${TOKEN_MIN_CHARS} to ${TOKEN_MAX_BYTES}, at random`
  throw new ConfigError('USAGE', `--token-stdin: the token has ${token.length} bytes, wanted ${wanted}`)
}

const tokenOf = (secret: Uint8Array): Credential => ({
  kind: 'token',
  hash: createHash('sha256').update(secret).digest('hex'),
})
