import { isIP } from 'node:net'
import type { Address } from '@sluice/wire'

/** Whether only this machine can reach a listener there. */
export const isLoopback = ({ host }: Address): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
