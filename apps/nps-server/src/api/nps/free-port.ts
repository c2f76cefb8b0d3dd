import { randomInt } from 'node:crypto'
import type { PortRange } from '@sluice/net'
import { NpsRefusal } from './nps-refusal.ts'

/** A port of `ranges` that no tunnel has. @throws NpsRefusal where there is none */
export const freePort = (ranges: readonly PortRange[], taken: ReadonlySet<number | undefined>): number => {
  const ports = ranges.flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, nth) => first + nth),
  )
  const free = ports.filter((port) => !taken.has(port))
  if (free.length === 0) throw new NpsRefusal('port: none is free')
  return free[randomInt(free.length)]!
}
