import { type ErrorCode, OUTCOMES, ServiceError } from '@sluice/service'
import { REPLY } from '@sluice/wire'

/** A no in the words of every protocol that local clients speak. */
export interface Refusal {
  /** RFC 1928 §6. */
  readonly reply: number
  /** HTTP. */
  readonly status: number
  /** One sentence. */
  readonly text: string
}

/** The program says no itself. */
export const ownRefusal = (code: ErrorCode): Refusal => {
  const { socks5, http, text } = OUTCOMES[code]
  return { reply: socks5, status: http, text: `${code}: ${text}` }
}

/** It is the server that cannot be reached, and nobody knows anything of the target. */
export const serverAway = (error: unknown): Refusal => ({
  reply: REPLY.GENERAL_FAILURE,
  status: Object(error).code === 'DIAL_TIMEOUT' ? 504 : 502,
  text: `the server cannot be reached: ${String(Object(error).message)}`,
})

/** By the server's reply: the HTTP status that says the same, and what it means. */
const ANSWERS: Readonly<Record<number, readonly [status: number, text: string]>> = {
  [REPLY.GENERAL_FAILURE]: [502, 'general failure'],
  [REPLY.NOT_ALLOWED]: [403, 'not allowed, or a limit is reached'],
  [REPLY.NETWORK_UNREACHABLE]: [502, 'there is no way to the target network'],
  [REPLY.HOST_UNREACHABLE]: [502, 'the target host cannot be reached'],
  [REPLY.CONNECTION_REFUSED]: [502, 'the target refused the connection'],
  [REPLY.TTL_EXPIRED]: [504, 'the target did not answer in time'],
  [REPLY.COMMAND_NOT_SUPPORTED]: [501, 'the command is not known'],
  [REPLY.ADDRESS_TYPE_NOT_SUPPORTED]: [400, 'the address is of a type that is not known'],
}

/** The server has said no; for the client in its words, for the log by a code. */
export class ServerRefusal extends ServiceError {
  readonly refusal: Refusal

  constructor(code: ErrorCode, refusal: Refusal) {
    super(code, refusal.text)
    this.refusal = refusal
  }
}

export const serverReply = (reply: number): ServerRefusal => {
  const [status, text] = ANSWERS[reply] ?? [502, 'an answer that is not known']
  return new ServerRefusal('SERVER_REFUSED', {
    reply,
    status,
    text: `the server refused: ${text} (reply ${reply})`,
  })
}

export const wrongPassword = (): ServerRefusal =>
  new ServerRefusal('AUTH_FAILED', {
    reply: REPLY.NOT_ALLOWED,
    status: 502,
    text: 'the server refused the user name or the password',
  })

/** It said something else, or nothing. */
export const noAnswer = (cause: unknown): ServerRefusal =>
  new ServerRefusal('SERVER_REFUSED', {
    reply: REPLY.GENERAL_FAILURE,
    status: 502,
    text: `the server gave no answer: ${String(Object(cause).message)}`,
  })
