import { dialCode, errnoOf, NetError } from './net-error.ts'

/** Both ends included. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

/** So many taken ports are tried before giving up. */
const MAX_TRIES = 100

/**
 * Opens something on a free port of `range`, beginning anywhere in it; without a range on one of the system's choice.
 * @throws NetError DIAL_LOCAL_LIMIT where none is free, or the code of what else went wrong
 */
export const onFreePort = async <T>(
  range: PortRange | undefined,
  open: (port: number) => Promise<T>,
  random: () => number = Math.random,
): Promise<T> => {
  const { first, last } = range ?? { first: 0, last: 0 }
  const count = last - first + 1
  const start = Math.floor(random() * count)
  for (let i = 0; i < Math.min(count, MAX_TRIES); i++) {
    try {
      return await open(first + ((start + i) % count))
    } catch (cause) {
      if (errnoOf(cause) === 'EADDRINUSE') continue
      throw new NetError(dialCode([cause]), `cannot listen: ${String(cause)}`, { cause })
    }
  }
  throw new NetError('DIAL_LOCAL_LIMIT', `no free port from ${first} to ${last}`)
}
