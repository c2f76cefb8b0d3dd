import { codeOf } from '@sluice/service'
import { relayStatusName } from '@sluice/wire/relay'
import { PeerError } from '../peer/peer-error.ts'
import { statusOfClose } from './conn-port.ts'

/** How a circuit went, as its line in the log has it. */
export interface Outcome {
  readonly code: string
  /** What the relay said, by name. */
  readonly status?: string
  /** A limit, where there was one. */
  readonly limit?: string
  readonly why?: string
}

export const outcomeOf = (error: unknown): Outcome => {
  if (error === undefined) return { code: 'OK' }
  const peer = peerErrorIn(error)
  const status = peer?.status ?? statusOfClose(error)
  return {
    code: peer?.code ?? codeOf(error),
    ...(status !== undefined && { status: relayStatusName(status) }),
    ...(peer !== undefined && peer.reason !== '' && { limit: peer.reason }),
    why: messagesOf(error),
  }
}

const peerErrorIn = (error: unknown): PeerError | undefined => {
  if (error instanceof PeerError) return error
  return error instanceof Error && error.cause !== undefined ? peerErrorIn(error.cause) : undefined
}

/** That of the error, and those of its causes behind it. */
const messagesOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const { message, cause } = error
  return cause instanceof Error && !message.includes(cause.message)
    ? `${message}: ${messagesOf(cause)}`
    : message
}
