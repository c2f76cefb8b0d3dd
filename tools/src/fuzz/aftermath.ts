import { get } from 'node:http'
import { text as textOf } from 'node:stream/consumers'
import type { Subject } from '../subject/subject.ts'
import type { HandshakeClients } from './handshake-client.ts'

const ANSWER_MS = 10_000

/** What is still open of a program that has had enough. */
export async function fdFlaws(subject: Subject, before: number | undefined): Promise<string[]> {
  const fds = await subject.settledFds(before)
  return (fds ?? 0) > (before ?? 0) ? [`${fds} descriptors are open, ${before} were before`] : []
}

export async function activeSessions(subject: Subject): Promise<number> {
  return sampled(subject, /^sluice_sessions_active\{.*\} (\d+)$/gm)
}

/** The sum of the samples that match, each with its number in the first group. */
export async function sampled(subject: Subject, wanted: RegExp): Promise<number> {
  const text = await new Promise<string>((resolve, reject) => {
    // Nothing is left open behind it.
    const options = { agent: false, timeout: ANSWER_MS, port: subject.port('ops'), path: '/metrics' }
    get(options, (answer) => resolve(textOf(answer))).on('error', reject)
  })
  return [...text.matchAll(wanted)].reduce((sum, [, count]) => sum + Number(count), 0)
}

/** The faults of the program, each with the input behind it where that is known. */
export function explain(subject: Subject, clients: HandshakeClients, parallel: number): string[] {
  const logged = subject.log.faults
  const inputs = new Map(logged.map(({ what, line }) => [what, clients.sentBy(line.client)]))
  const flaws = subject.faults().map((what) => {
    const hex = inputs.get(what)
    return hex === undefined ? what : `${what}\n  input: ${hex}`
  })
  if (flaws.length === 0 || [...inputs.values()].some((hex) => hex !== undefined)) return flaws
  return [...flaws, ['the last inputs:', ...clients.lastSent(parallel + 8)].join('\n  ')]
}
