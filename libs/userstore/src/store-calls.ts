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

/** Methods that give an object of lists (or nothing), which comes in pages. */
export const PAGED_METHODS = ['list', 'poll', 'unreported'] as const
export type PagedMethod = (typeof PAGED_METHODS)[number]

/** Methods whose second argument is a list that may be long. */
export type ListMethod = 'sync' | 'report'

/** One call, to the worker thread. */
export interface StoreCall<M extends StoreMethod = StoreMethod> {
  id: number
  method: M
  args: StoreArgs<M>
}

/** What goes to the worker thread: a call, entries of the long list of one that comes, the wish for the next page. */
export type StoreMessage =
  StoreCall | { id: number; entries: readonly unknown[] } | { id: number; next: true }

/** An outcome, from the worker thread. Id 0 is the opening, whose value is the install id. */
export interface StoreReply {
  id: number
  value?: unknown
  /** There is a next page. */
  more?: boolean
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
