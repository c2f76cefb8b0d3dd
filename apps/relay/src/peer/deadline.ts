import type { FramePort } from './frame-port.ts'
import { PeerError } from './peer-error.ts'
import type { Timing } from './timing.ts'

/**
 * What `run` gives, unless that takes longer than `ms`: then `port` is closed, and with it what waits for it.
 * @throws PeerError RELAY_TIMEOUT, and what `run` throws
 */
export const within = async <T>(
  port: Pick<FramePort, 'close'>,
  ms: number,
  timing: Timing,
  run: () => Promise<T>,
): Promise<T> => {
  const late = new PeerError('RELAY_TIMEOUT', `the relay did not answer within ${ms} ms`)
  const cancel = timing.after(ms, () => port.close(late))
  try {
    return await run()
  } finally {
    cancel()
  }
}
