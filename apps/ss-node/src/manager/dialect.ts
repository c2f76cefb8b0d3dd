import type { RemoteError } from '../remote/remote-error.ts'

/** Whose manager it is that asks: they tell each other's servers apart by the replies. */
export const MANAGER_DIALECTS = ['libev', 'rust', 'python'] as const
export type ManagerDialect = (typeof MANAGER_DIALECTS)[number]

/** A port that a manager has added. */
export interface ManagedPort {
  readonly port: number
  readonly password: string
  readonly method: string
  /** Payload bytes, up and down together, since the program started or the port was added. */
  readonly bytes: number
}

/** How one dialect replies. Several texts are several datagrams. */
export interface Dialect {
  readonly list: (ports: readonly ManagedPort[]) => readonly string[]
  readonly ping: (ports: readonly ManagedPort[]) => readonly string[]
  /** undefined where nothing is said. */
  readonly failed: (error: Pick<RemoteError, 'code' | 'message'>) => string | undefined
  /** Whether what ports moved is told every few seconds to whoever pinged last. */
  readonly pushes: boolean
}

/** What fits everywhere without being cut into fragments by IP on loopback, and into a receiver's buffer. */
const MAX_CHARS = 8192
/** As many ports as the original tells of in one datagram. */
const PUSH_PORTS = 50

/** Texts of at most {@link MAX_CHARS}, or of one entry. */
const packed = (
  entries: readonly string[],
  [open, between, close]: readonly [open: string, between: string, close: string],
): string[] => {
  const texts: string[] = []
  let text = open
  for (const entry of entries) {
    if (text !== open && text.length + entry.length > MAX_CHARS) {
      texts.push(text + close)
      text = open
    }
    text += text === open ? entry : between + entry
  }
  return [...texts, text + close]
}

/** One long text in pieces: the list of libev goes on in the next datagram as if there were no end. */
const cut = (text: string): string[] => text.match(new RegExp(`[^]{1,${MAX_CHARS}}`, 'g')) ?? []

const stats = (ports: readonly ManagedPort[]): string[] =>
  packed(
    ports.map(({ port, bytes }) => `"${port}":${bytes}`),
    ['stat: {', ',', '}'],
  )

const libevEntry = ({ port, password, method }: ManagedPort): string =>
  `\n\t${JSON.stringify({ server_port: String(port), password, method })}`

const rustEntry = ({ port, password, method }: ManagedPort): string =>
  JSON.stringify({ server_port: port, password, method, mode: 'tcp_and_udp' })

const libev: Dialect = {
  list: (ports) => cut(`[${ports.map(libevEntry).join(',')}\n]`),
  ping: stats,
  failed: ({ code }) => (code === 'TAKEN' ? 'port is not available' : 'err'),
  pushes: false,
}

export const DIALECTS: Readonly<Record<ManagerDialect, Dialect>> = {
  libev,
  rust: {
    list: (ports) => packed(ports.map(rustEntry), ['[', ',', ']']),
    ping: stats,
    failed: ({ message }) => message,
    pushes: false,
  },
  python: {
    list: (ports) =>
      packed(
        ports.map(({ port }) => String(port)),
        ['ports: [', ', ', ']'],
      ),
    ping: () => ['pong'],
    failed: () => undefined,
    pushes: true,
  },
}

/** What ports moved since the last push, in as many datagrams as it takes; none where none moved. */
export const pushes = (ports: readonly ManagedPort[]): string[] => {
  const moved = ports.filter(({ bytes }) => bytes > 0)
  const texts: string[] = []
  for (let at = 0; at < moved.length; at += PUSH_PORTS) texts.push(...stats(moved.slice(at, at + PUSH_PORTS)))
  return texts
}
