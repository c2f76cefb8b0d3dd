import { codeOf, type Code, ServiceError, type Serving } from '@sluice/service'
import { COMPAT_MAX_BYTES, fieldValues, type HttpField } from '@sluice/wire'
import { requestId } from '../api/request-id.ts'
import type { RequestDone } from '../api/settings.ts'
import type { JobHead, JobSink, RunningJob } from '../job.ts'
import { type CompatAnswer, compatAnswer, compatRefusal } from './compat-answer.ts'
import type { CompatRequest } from './compat-request.ts'
import type { HeldPart } from '../held-bytes.ts'
import { responseText } from './response-text.ts'
import type { CompatSettings } from './settings.ts'

/** Of {@link PRIORITIES}: normal. */
const PRIORITY = 1

/** One request from its payload to its answer, which is one frame and so kept until it is whole. */
export class CompatJob implements JobSink {
  readonly id: string = requestId(undefined)
  request: CompatRequest | undefined = undefined
  code: Code = 'OK'
  readonly #startedAt = performance.now()
  readonly #held: HeldPart
  readonly #onAnswer: (answer: CompatAnswer) => void
  readonly #chunks: Uint8Array[] = []
  #bytes = 0
  #head: JobHead | undefined = undefined
  #running: RunningJob | undefined = undefined
  #isOver = false

  constructor(held: HeldPart, onAnswer: (answer: CompatAnswer) => void) {
    this.#held = held
    this.#onAnswer = onAnswer
  }

  /** @param answer none where nobody was there any more to get one */
  done(caller: Serving, answer: CompatAnswer | undefined): RequestDone {
    const { id, code, request } = this
    return {
      id,
      method: request?.method ?? '',
      url: request?.url,
      path: '',
      status: answer?.status ?? 0,
      code,
      up: request?.body?.length ?? 0,
      down: answer?.bodyBytes ?? 0,
      ms: Math.round(performance.now() - this.#startedAt),
      type: this.#head && fieldValues(this.#head, 'content-type')[0],
      caller,
    }
  }

  start(session: Serving, { jobs, redirects }: CompatSettings): void {
    const { method, url, fields, body, trace } = this.request!
    const rest = {
      bodyBytes: body?.length,
      redirects: redirects(),
      priority: PRIORITY,
      timing: 'whole',
    } as const
    const running = jobs.run(
      { method, url, fields, body, trace, ...rest, id: this.id, caller: session },
      this,
    )
    this.#running = running
    if (this.#isOver) running.cancel(new ServiceError('CLIENT_CLOSED'))
  }

  /** Nobody wants the answer any more. */
  cancel(error: Error): void {
    this.code = codeOf(error)
    if (this.#isOver) return
    this.#isOver = true
    this.#running?.cancel(error)
  }

  onHead(head: JobHead): void {
    this.#head = head
  }

  onData(chunk: Uint8Array): boolean {
    if (this.#isOver) return false
    this.#bytes += chunk.length
    try {
      if (this.#bytes > COMPAT_MAX_BYTES) throw new ServiceError('RESPONSE_TOO_LARGE')
      this.#held.take(chunk.length)
      this.#chunks.push(chunk)
    } catch (error) {
      this.#running?.cancel(error as Error)
      this.onFailed(error)
    }
    return true
  }

  onEnd(): void {
    if (this.#isOver) return
    const { status, fields } = this.#head!
    this.#answer(status, fields).catch((error: unknown) => this.onFailed(error))
  }

  onFailed(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.code = codeOf(error)
    const retryMs = error instanceof ServiceError ? error.retryMs : undefined
    this.#onAnswer(compatRefusal(this.code, { id: this.id, retryMs }))
  }

  async #answer(status: number, fields: readonly HttpField[]): Promise<void> {
    const answer = compatAnswer(status, fields, await responseText(this.#chunks, fields))
    if (this.#isOver) return
    this.#isOver = true
    this.#onAnswer(answer)
  }
}
