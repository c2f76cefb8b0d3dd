import type { RecordWithTtl } from 'node:dns'
import { Resolver as Channel } from 'node:dns/promises'
import { errnoOf, NetError } from '../net-error.ts'
import { Line } from './line.ts'
import type { Answer, IpFamily, NameSource } from './name-source.ts'

export interface ServerNamesOptions {
  /** `IP`, `IP:PORT` or `[IPv6]:PORT` each, in the order in which they are asked. */
  readonly servers: readonly string[]
  readonly only?: IpFamily | undefined
}

/** For each server; what is not answered is asked again with more patience. */
const QUESTION_MS = 2000
const QUESTION_TRIES = 2
const UNKNOWN_TTL_MS = 30_000
/** RFC 8305 §3: how long one family is waited for once the other is there. */
const OTHER_FAMILY_MS = 50
/** The most for an answer that lacks a family which nobody could give in time. */
const PARTIAL_TTL_MS = 5000
const PARALLEL = 256
const WAITING = 1024

/** There is no such name; the name has no such record; no name can be like this. */
const UNKNOWN = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME'])

/** What came of the question for one family. */
interface Part {
  readonly records: readonly RecordWithTtl[]
  readonly error: unknown
}

/** Name servers by their addresses, asked for AAAA and A at the same time (RFC 1035, 3596). */
export const serverNames = ({ servers, only }: ServerNamesOptions): NameSource => {
  const channel = new Channel({ timeout: QUESTION_MS, tries: QUESTION_TRIES })
  channel.setServers(servers)
  const ask = async (name: string): Promise<Answer> => {
    const questions: Promise<Part>[] = []
    if (only !== 'ipv4') questions.push(partOf(channel.resolve6(name, { ttl: true })))
    if (only !== 'ipv6') questions.push(partOf(channel.resolve4(name, { ttl: true })))
    return answerOf(name, await gather(questions))
  }
  return { line: new Line(PARALLEL, WAITING), ask }
}

const partOf = async (asking: Promise<RecordWithTtl[]>): Promise<Part> => {
  try {
    return { records: await asking, error: undefined }
  } catch (error) {
    return { records: [], error }
  }
}

/** All parts in the order of the questions, undefined for one that came too long after addresses of the other. */
const gather = (questions: readonly Promise<Part>[]): Promise<(Part | undefined)[]> =>
  new Promise((resolve) => {
    const parts: (Part | undefined)[] = questions.map(() => undefined)
    let timer: NodeJS.Timeout | undefined
    const enough = (): void => {
      clearTimeout(timer)
      resolve([...parts])
    }
    const wait = async (i: number, question: Promise<Part>): Promise<void> => {
      const part = (parts[i] = await question)
      if (!parts.includes(undefined)) enough()
      else if (part.records.length > 0) timer = setTimeout(enough, OTHER_FAMILY_MS)
    }
    for (const [i, question] of questions.entries()) void wait(i, question)
  })

const answerOf = (name: string, parts: readonly (Part | undefined)[]): Answer => {
  const records = parts.flatMap((part) => part?.records ?? [])
  if (records.length > 0) {
    const isPartial = parts.some((part) => part === undefined || isFailure(part))
    const ttlMs = Math.min(...records.map(({ ttl }) => ttl)) * 1000
    return {
      ips: records.map(({ address }) => address),
      ttlMs: isPartial ? Math.min(ttlMs, PARTIAL_TTL_MS) : ttlMs,
    }
  }
  const failed = parts.find((part) => part !== undefined && isFailure(part))
  if (failed === undefined || parts.some((part) => errnoOf(part?.error) === 'ENOTFOUND'))
    return { ips: [], ttlMs: UNKNOWN_TTL_MS }
  throw new NetError('DIAL_NAME_FAILED', `${name}: no answer: ${errnoOf(failed.error)}`, {
    cause: failed.error,
  })
}

const isFailure = ({ error }: Part): boolean => error !== undefined && !UNKNOWN.has(errnoOf(error))
