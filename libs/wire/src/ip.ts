const DIGIT_0 = 0x30
const IPV6_GROUP = /^[\da-f]{1,4}$/i
const MAX_IPV6_TEXT = 45

/**
 * The 4 or 16 bytes of an IP address text, or undefined where the text is none.
 *
 * IPv4 is four decimal numbers without leading zeros: `127.1`, `0177.0.0.1`, `0x7f.1` and `2130706433` are not
 * addresses. IPv6 is RFC 4291 §2.2 without brackets or zone, `::ffff:1.2.3.4` included.
 */
export function parseIp(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

/** The text of 4 or 16 bytes: IPv6 as in RFC 5952, v4-mapped as `::ffff:127.0.0.1` (§5). */
export function formatIp(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join('.') : formatIpv6(bytes)
}

/** By hand, since it runs several times a conn. */
function parseIpv4(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(4)
  let start = 0
  for (let part = 0; part < 4; part++) {
    const dot = part < 3 ? text.indexOf('.', start) : text.length
    const value = parsePart(text, start, dot)
    if (value === undefined) return undefined
    bytes[part] = value
    start = dot + 1
  }
  return bytes
}

function parsePart(text: string, start: number, end: number): number | undefined {
  const length = end - start
  if (length < 1 || length > 3 || (length > 1 && text.charCodeAt(start) === DIGIT_0)) return undefined
  let value = 0
  for (let i = start; i < end; i++) {
    const digit = text.charCodeAt(i) - DIGIT_0
    if (digit < 0 || digit > 9) return undefined
    value = value * 10 + digit
  }
  return value > 255 ? undefined : value
}

function parseIpv6(text: string): Uint8Array | undefined {
  if (text.length > MAX_IPV6_TEXT) return undefined
  const [left = '', right, rest] = text.split('::')
  if (rest !== undefined) return undefined
  const isShort = right !== undefined
  const head = parseGroups(left, !isShort)
  const tail = isShort ? parseGroups(right, true) : []
  if (head === undefined || tail === undefined) return undefined
  const missing = 16 - head.length - tail.length
  if (isShort ? missing < 2 : missing !== 0) return undefined
  const bytes = new Uint8Array(16)
  bytes.set(head)
  bytes.set(tail, 16 - tail.length)
  return bytes
}

/** Bytes of colon-separated groups; the last group of an address may be a dotted IPv4. */
function parseGroups(text: string, isEnd: boolean): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':')
  for (const [i, group] of groups.entries()) {
    if (IPV6_GROUP.test(group)) {
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 0xff)
      continue
    }
    const ipv4 = isEnd && i === groups.length - 1 ? parseIpv4(group) : undefined
    if (ipv4 === undefined) return undefined
    bytes.push(...ipv4)
  }
  return bytes
}

function formatIpv6(bytes: Uint8Array): string {
  const groups: number[] = []
  for (let i = 0; i < 16; i += 2) groups.push((bytes[i]! << 8) | bytes[i + 1]!)
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${bytes.subarray(12).join('.')}`
  }
  const text = groups.map((group) => group.toString(16))
  const [start, length] = longestZeroRun(groups)
  if (length < 2) return text.join(':')
  return `${text.slice(0, start).join(':')}::${text.slice(start + length).join(':')}`
}

/** RFC 5952 §4.2.3: the longest run is shortened, the first one among equals. */
function longestZeroRun(groups: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0]
  let length = 0
  for (const [i, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0
    if (length > best[1]) best = [i - length + 1, length]
  }
  return best
}
