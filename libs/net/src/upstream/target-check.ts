import { isIP } from 'node:net'
import type { Address } from '@sluice/wire'
import type { TargetPolicy } from '../address-policy.ts'
import { NetError } from '../net-error.ts'

const LOCALHOST = /^(?:.+\.)?localhost\.?$/i
/** The last part is a number, which makes all of it an IPv4 address to many resolvers (WHATWG URL, host parsing). */
const ENDS_IN_NUMBER = /(?:^|\.)(?:\d+|0x[\da-f]*)\.?$/i

/**
 * Holds a target that somebody else will resolve to the address policy as far as its text allows: an address in any
 * spelling, and `localhost`. What a name leads to is for the one who resolves it.
 * @throws NetError TARGET_DENIED; DIAL_NAME_UNKNOWN for a number that is no address
 */
export const checkTarget = (policy: TargetPolicy, { host, port }: Address): void => {
  if (isIP(host) !== 0) policy.check(host, port)
  else if (LOCALHOST.test(host)) policy.check('127.0.0.1', port)
  else if (ENDS_IN_NUMBER.test(host)) policy.check(ipv4Of(host), port)
}

const ipv4Of = (host: string): string => {
  const url = `http://${host}/`
  if (URL.canParse(url)) return new URL(url).hostname
  throw new NetError('DIAL_NAME_UNKNOWN', `${host} is no address, and no name either`)
}
