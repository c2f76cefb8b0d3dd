import { StoreError, type StoreErrorCode } from './store-error.ts'
import type { CoreOptions, StoreCore } from './store-core.ts'

/** What the worker thread is started with. */
export interface StoreStart extends CoreOptions {
  kind: 'sqlite' | 'json'
  file: string
}

export type StoreMethod = Exclude<keyof StoreCore, 'installId'>
export type StoreArgs<M extends StoreMethod> = Parameters<StoreCore[M]>
export type StoreResult<M extends StoreMethod> = ReturnType<StoreCore[M]>

/** One call, to the worker thread. */
export interface StoreCall<M extends StoreMethod = StoreMethod> {
  id: number
  method: M
  args: StoreArgs<M>
}

/** Its outcome, from the worker thread. Id 0 is the opening, whose value is the install id. */
export interface StoreReply {
  id: number
  value?: unknown
  error?: StoreFailure
}

/** A StoreError as it crosses threads, where errors lose their class and code. */
export interface StoreFailure {
  code: StoreErrorCode
  message: string
  cause: unknown
}

export const failureOf = ({ code, message, cause }: StoreError): StoreFailure => ({ code, message, cause })

export const errorOf = ({ code, message, cause }: StoreFailure): StoreError =>
  new StoreError(code, message, { cause })
