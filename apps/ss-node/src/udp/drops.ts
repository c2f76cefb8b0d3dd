import type { DropReason } from '@sluice/service'
import type { UdpParts, UdpSocket } from './udp-parts.ts'

/** How the door's own metrics call what was not let in. */
const OUTCOMES: Partial<Record<DropReason, string>> = {
  auth: 'AUTH_FAILED',
  clock: 'CLOCK_SKEW',
  replay: 'REPLAY',
}

/** A datagram is not relayed; its sender is told nothing. */
export const drop = (
  reason: DropReason,
  { parts: { metrics } }: UdpSocket,
  { counted }: Pick<UdpParts, 'counted'>,
): void => {
  metrics.datagramDropped(reason)
  const outcome = OUTCOMES[reason]
  if (outcome !== undefined) counted.refused(outcome)
}
