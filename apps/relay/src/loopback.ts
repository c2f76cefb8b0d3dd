import { isIP } from 'node:net'
import type { Address } from '@sluice/wire'

/** Whether only this machine can reach a listener there. */
export const isLoopback = ({ host }: Address): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

/** The same where a balancer may stand in front, and bring others there. */
export const isPrivate = (
  address: Address,
  { proxyProtocol }: { proxyProtocol: readonly string[] },
): boolean => isLoopback(address) && proxyProtocol.length === 0
