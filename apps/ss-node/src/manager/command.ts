import { RemoteError } from '../remote/remote-error.ts'
import { checkedCredential } from '../remote/ss-credential.ts'

/** What a manager asks for, in one datagram. */
export type Command =
  | { readonly name: 'add'; readonly port: number; readonly password: string; readonly method: string }
  | { readonly name: 'remove'; readonly port: number }
  | { readonly name: 'list' | 'ping' }

const MAX_BYTES = 4096
/** What is asked for, with a colon or a blank behind it; what follows is JSON. */
const FORM = /^\s*(add|remove|list|ping)\s*(?::|\s|$)\s*(.*)$/s

/**
 * Reads a command: `add: {"server_port":8001,"password":"…"}`, `remove: {"server_port":8001}`, `list`, `ping`.
 * @param method of an `add` that names none
 * @returns undefined for what is no command: nobody answers that
 * @throws RemoteError INVALID, UNSUPPORTED for one that cannot be
 */
export function readCommand(bytes: Uint8Array, method: string): Command | undefined {
  if (bytes.length > MAX_BYTES) return undefined
  const [, name, rest = ''] = FORM.exec(Buffer.from(bytes).toString().replace(/\0+$/, '')) ?? []
  if (name === 'list' || name === 'ping') return { name }
  if (name === 'remove') return { name, port: portOf(fieldsOf(rest)) }
  return name === 'add' ? readAdd(fieldsOf(rest), method) : undefined
}

function readAdd(fields: Fields, usual: string): Command {
  const { password = '', method = usual } = fields
  if (typeof password !== 'string' || typeof method !== 'string') {
    throw new RemoteError('INVALID', 'password, method: wanted texts')
  }
  // What would be served otherwise than it was asked for is not served.
  if (isGiven(fields['plugin'])) throw new RemoteError('UNSUPPORTED', 'plugin: there are none here')
  if (isGiven(fields['users'])) throw new RemoteError('UNSUPPORTED', 'users: one to a port')
  const port = portOf(fields)
  checkedCredential(port, method, password)
  return { name: 'add', port, password, method }
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(text: string): Fields {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  } catch {
    // Of no more use than something else.
  }
  throw new RemoteError('INVALID', 'wanted an object in JSON')
}

/** Some write it as a text. */
function portOf({ server_port: written }: Fields): number {
  const isWritten = typeof written === 'number' || (typeof written === 'string' && /^\d{1,5}$/.test(written))
  const port = isWritten ? Number(written) : Number.NaN
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  throw new RemoteError('INVALID', 'server_port: wanted 1 to 65535')
}

const isGiven = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0)
