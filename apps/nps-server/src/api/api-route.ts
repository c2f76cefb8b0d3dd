import type { z } from 'zod'
import type { TokenRecord, TokenScope } from '../store/token-table.ts'
import type { PageQuery } from './schemas.ts'
import type { SessionProof } from './sessions.ts'

/** A request that may be, with what it brought. */
export interface Call<Body = unknown> {
  /** From the path; 0 where there is none. */
  readonly id: number
  readonly body: Body
  readonly query: PageQuery
  readonly token: TokenRecord
  /** Where it came from. */
  readonly ip: string
  /** By which it came, in place of the token itself. */
  readonly session: SessionProof | undefined
  /** Of a session. @param value '' takes it away */
  readonly setCookie: (value: string) => void
  /** The token, for the audit log. */
  readonly by: string
}

/** What a route answers with 201. */
export interface Made {
  readonly id: number
}

/** Several that were made together. */
export interface MadeList {
  readonly items: readonly Made[]
}

/** One method of one path: what serves it and what is told of it come of this alone. */
export interface ApiRoute<Body = unknown> {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** With `:id`. */
  readonly path: string
  /** Undefined: any token will do. */
  readonly scope: TokenScope | undefined
  readonly summary: string
  /** Of what it answers, where that is anything: 201 has the place of what was made. */
  readonly status: 200 | 201 | 204
  readonly body?: z.ZodType<Body>
  readonly query?: z.ZodType<PageQuery>
  readonly run: (call: Call<Body>) => unknown
}

/** A route whose body is told by its schema. */
export const route = <Body>(parts: ApiRoute<Body>): ApiRoute => parts as ApiRoute
