import type { LiveHost, LiveTunnel } from './registry.ts'

/** What is wrong with each that has something wrong, by its id. */
export const problemsOf = (all: Iterable<LiveTunnel | LiveHost>): Record<number, string> => {
  const problems: Record<number, string> = {}
  for (const { record, problem } of all) if (problem !== undefined) problems[record.id] = problem
  return problems
}
