import type { HttpField } from '@sluice/wire'
import { childOf, formatTraceparent, parseTraceparent, type TraceContext } from './trace-context.ts'

/** What a span is about. */
export interface TraceSubject {
  readonly id: string | undefined
  readonly method: string
  /** http or https; undefined: a tunnel, of which nobody sees what it carries. */
  readonly scheme: string | undefined
  readonly host: string
  readonly port: number | undefined
  /** Without its query, since secrets are found there. */
  readonly path: string | undefined
  readonly door: string
  readonly protocol: string
}

/** One request as whoever follows it by its trace sees it. */
export interface RequestTrace {
  /** What the next hop is told; undefined: nothing. */
  readonly traceparent: string | undefined
  /** It has its turn, having waited so long. */
  turn(waitedMs: number): void
  /** The head of the answer has come. */
  head(status: number): void
  /** It is over; what comes after that is ignored. */
  end(code: string): void
}

export interface Tracer {
  /** Whether it keeps anything of requests without a parent. */
  readonly records: boolean
  /** @param parent the span that the client says this belongs to */
  begin(subject: TraceSubject, parent: TraceContext | undefined): RequestTrace
  /** Sends what is left. Never rejects. */
  close(): Promise<void>
}

/** One hop of the traces of others, recorded nowhere. */
class Hop implements RequestTrace {
  readonly traceparent: string | undefined

  constructor(parent: TraceContext | undefined) {
    this.traceparent = parent && formatTraceparent(childOf(parent))
  }

  turn(): void {}
  head(): void {}
  end(): void {}
}

/** Passes traces on, and records nothing. */
export const plainTracer: Tracer = {
  records: false,
  begin: (_subject, parent) => new Hop(parent),
  close: () => Promise.resolve(),
}

const isTrace = ([name]: HttpField): boolean => /^trace(?:parent|state)$/i.test(name)

/** The span that a request belongs to, where it says so once, in a way that can be. */
export const parentOf = (values: readonly string[]): TraceContext | undefined =>
  values.length === 1 ? parseTraceparent(values[0]!.trim()) : undefined

/** Without the trace that it had: what is left of it where its parent was none means nothing. */
export const untraced = (fields: readonly HttpField[], keepsState: boolean): readonly HttpField[] =>
  fields.some(isTrace)
    ? fields.filter((field) => !isTrace(field) || (keepsState && /state$/i.test(field[0])))
    : fields
