import { drainSilently, type Reader } from '@sluice/net'
import { codeOf, type Handshake, type Request, ServiceError } from '@sluice/service'
import type { Decode } from '@sluice/wire'
import { decodeSsRequest, identityOf, trial } from '@sluice/wire/shadowsocks'
import type { FailureGuard } from './failure-guard.ts'
import type { Keyring } from './keyring.ts'
import type { SlicedSearch } from './sliced-search.ts'
import type { SsUser } from './ss-user.ts'
import { type TunnelParts, TunnelRequest } from './tunnel-request.ts'

/** What all ports share. */
export interface HandshakeParts extends TunnelParts {
  readonly search: SlicedSearch
  readonly guard: FailureGuard
}

/** An authentic request of the 2022 methods may be that long: a header of 64 KiB, and what stands in front of it. */
const MAX_REQUEST_BYTES = 66 * 1024
const IDENTITY_BYTES = 16

/**
 * Finds out who comes by a port, and where they want to go. Whoever cannot come in is read from and told nothing until the
 * deadline of the handshake, as a client that says too little: nobody learns what was wrong, or what would have been right.
 */
export const createHandshake =
  (keyring: Keyring, parts: HandshakeParts): Handshake =>
  async (reader) => {
    try {
      return await readRequest(reader, keyring, parts)
    } catch (error) {
      parts.metrics.refused(codeOf(error))
      return drainSilently(reader, error as Error)
    }
  }

const readRequest = async (reader: Reader, keyring: Keyring, parts: HandshakeParts): Promise<Request> => {
  const { user, trials } = await findUser(reader, keyring, parts)
  reader.maxBytes = MAX_REQUEST_BYTES
  const identity = keyring.serverKey !== undefined
  const request = await reader.read(decodeSsRequest(user.key, { identity }))
  if (!user.isValid) throw new ServiceError('AUTH_FAILED')
  parts.replays.check(request, user)
  if (trials > 0) parts.guard.giveBack(reader.client.host, trials)
  keyring.order.used(user, reader.client.host)
  if (request.target.port === 0) throw new ServiceError('HANDSHAKE_INVALID', 'port 0')
  return new TunnelRequest(reader.conn, user, request, parts)
}

interface Found {
  readonly user: SsUser
  /** What leave was taken for, to be given back once the request is known to be new. */
  readonly trials: number
}

/** @throws ServiceError AUTH_FAILED, AUTH_LIMIT */
const findUser = async (reader: Reader, keyring: Keyring, parts: HandshakeParts): Promise<Found> => {
  const { owner, serverKey } = keyring
  if (owner !== undefined) return { user: owner, trials: 0 }
  if (serverKey === undefined) return tryKeys(reader, keyring, parts)
  const head = await reader.read(headOf(serverKey.method.saltBytes + IDENTITY_BYTES))
  const begun = performance.now()
  const hash = identityOf(serverKey, head)
  const user = hash && keyring.byIdentity(hash)
  parts.metrics.findTook(performance.now() - begun, user !== undefined)
  return { user: known(user), trials: 0 }
}

/** Tries those first who came from this address before; then, where there is leave to, all others, the last used first. */
const tryKeys = async (
  reader: Reader,
  { order, headBytes }: Keyring,
  parts: HandshakeParts,
): Promise<Found> => {
  const head = await reader.read(headOf(headBytes))
  const ip = reader.client.host
  const opens = (user: SsUser): boolean => trial(user.key, head)
  const begun = performance.now()
  const here = order.at(ip).find((user) => user.isValid && opens(user))
  if (here !== undefined) {
    parts.metrics.findTook(performance.now() - begun, true)
    return { user: here, trials: 0 }
  }
  const trials = order.size
  if (!parts.guard.take(ip, trials)) throw new ServiceError('AUTH_LIMIT')
  const searching = parts.search.start(order.all(), opens, ip)
  try {
    const user = await reader.wait(searching.found)
    parts.metrics.findTook(performance.now() - begun, user !== undefined)
    return { user: known(user), trials }
  } finally {
    searching.abandon()
  }
}

const known = (user: SsUser | undefined): SsUser => {
  if (user === undefined) throw new ServiceError('AUTH_FAILED')
  return user
}

/** The first bytes, which stay unread; they are good until the next read. */
const headOf =
  (size: number): Decode<Uint8Array> =>
  (bytes) =>
    bytes.length < Math.max(1, size) ? undefined : { value: bytes.subarray(0, size), size: 0 }
