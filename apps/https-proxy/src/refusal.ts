import { answerFor } from '@sluice/service/http'
import type { Refusal } from './connections.ts'

/** An answer to whatever the client of an HTTP listener is about to ask. */
export const httpRefusal: Refusal = (code, retryMs) => answerFor(code, { retryMs })
