import { RecordError } from './store/record-error.ts'

/** Of one request; each is a listener. */
const PORTS_MAX = 1000

/** `8001` or `8001-8010`, in order. @throws RecordError RECORD_VALUE */
export function portsOf(text: string): number[] {
  const [, first = '', last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? []
  const [from, to] = [Number(first), Number(last)]
  if (first === '' || from > to || to > 65_535 || (from === 0 && to !== 0))
    throw new RecordError('RECORD_VALUE', 'port: wanted a port, or a range such as 8001-8010')
  if (to - from >= PORTS_MAX)
    throw new RecordError('RECORD_VALUE', `port: wanted at most ${PORTS_MAX} at once`)
  return Array.from({ length: to - from + 1 }, (_, nth) => from + nth)
}

/**
 * What each of several ports leads to: targets that are ranges go port by port, others are those of all.
 * @throws RecordError RECORD_VALUE where a range has not as many ports
 */
export function targetsOfEach(targets: readonly string[], count: number): string[][] {
  const lists = targets.map((target) => targetList(target, count))
  return Array.from({ length: count }, (_, nth) => lists.map((list) => list[nth] ?? ''))
}

function targetList(target: string, count: number): string[] {
  const [, host = '', range] = /^(.*:)?(\d{1,5}-\d{1,5})$/.exec(target) ?? []
  if (range === undefined) return Array.from({ length: count }, () => target)
  const ports = portsOf(range)
  if (ports.length !== count)
    throw new RecordError('RECORD_VALUE', `targets: wanted ${count} ports, one for each, got ${ports.length}`)
  return ports.map((port) => `${host}${port}`)
}
