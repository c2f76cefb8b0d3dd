const FIRST_PORT = 20_000
const octet = (bits: number): number => (process.pid >> bits) & 0xff

/**
 * A loopback address of this process alone, whose ids have 22 bits at most. Elsewhere other tests' sockets, those that
 * connect among them, may have any port at any time; here nobody listens but us, and who connects comes from 127.0.0.1.
 */
export const OWN_HOST: string = `127.${64 + octet(16)}.${octet(8)}.${octet(0)}`

let last = FIRST_PORT - 1

/** A port of `OWN_HOST` that nobody has, neither for conns nor for datagrams: no system gives away one as low as these. */
export const freePort = (): number => (last += 1)
