import { BlockList, isIP } from 'node:net'
import type { Address } from '@sluice/wire'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** Whether this address leads nowhere but to this machine. */
export const isLoopback = (ip: string): boolean =>
  isIP(ip) !== 0 && LOOPBACK.check(ip, isIP(ip) === 6 ? 'ipv6' : 'ipv4')

/** Whether only this machine can reach a listener there. */
export const isLoopbackListener = ({ host }: Address): boolean => host === 'localhost' || isLoopback(host)
