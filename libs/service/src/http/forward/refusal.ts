import { codeOf, OUTCOMES, retryMsOf } from '../../errors.ts'
import { answerFor, named, type OwnAnswer } from '../answer.ts'
import type { Exchange } from './exchange.ts'
import type { ForwardSettings } from './settings.ts'

/** What a client is told of a failure, in the words of its door. @param keep the connection stays open */
export const refusalOf = (
  error: unknown,
  keep: boolean,
  exchange: Exchange | undefined,
  { requestId, answer }: ForwardSettings,
): OwnAnswer => {
  const headOnly = exchange?.request.method === 'HEAD'
  const id = exchange === undefined ? named(error, requestId) : exchange.id
  const form = { keep, headOnly, retryMs: retryMsOf(error), id }
  const code = codeOf(error)
  return answer?.(error, form) ?? { status: OUTCOMES[code].http, bytes: answerFor(code, form) }
}
