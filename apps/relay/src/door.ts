import { ConfigError, Program } from '@sluice/service'
import type { RelayConfig } from './config.ts'
import { openIdentity } from './identity.ts'
import { identityFile } from './identity-file.ts'
import { DOORS as NAMES, formatListenUrl, type ListenUrl } from './listen-url.ts'
import { isLoopback } from './loopback.ts'
import { type OpenListener, plainChannel, RelayDoor } from './relay-door.ts'

/** Names of the listeners. */
export const DOORS: readonly string[] = NAMES

const PLAIN = new Set(['tcp', 'ws', 'any'])

export interface OpenRelay {
  readonly relay: RelayDoor
  readonly listeners: readonly OpenListener[]
}

/**
 * Opens the listeners of the relay in a running program.
 * @throws ConfigError where they lead beyond loopback and nobody has said that this is meant; the system's errors
 */
export const openDoor = async (program: Program, config: RelayConfig): Promise<OpenRelay> => {
  checkPlain(config)
  checkOpen(program, config)
  const isLocal = config.listen.every(({ address }) => isLoopback(address))
  const isOpen = (): boolean => config.open || (isLocal && program.directory.size === 0)
  const relay = new RelayDoor(program, config, openIdentity(identityFile(config)), isOpen)
  program.onReload<RelayConfig>((next) => () => relay.set(next))
  program.onStop(() => relay.state.drain())
  const listeners: OpenListener[] = []
  for (const { door, address } of config.listen) {
    const listener = await program.listen(door, address, relay.handshake(plainChannel))
    listeners.push({ door, address: listener.address })
  }
  return { relay, listeners }
}

/** `any` speaks TLS too, but whoever does not is let in as well. */
const checkPlain = ({ listen, plain }: RelayConfig): void => {
  const far = listen.find(({ door, address }) => PLAIN.has(door) && !isLoopback(address))
  if (far === undefined || plain) return
  throw new ConfigError(
    'CONFIG_INVALID',
    `--listen: ${formatListenUrl(far)} is neither TLS nor loopback: take tls or wss, or give --plain`,
  )
}

const checkOpen = (program: Program, { listen, open }: RelayConfig): void => {
  const far: ListenUrl | undefined = listen.find(({ address }) => !isLoopback(address))
  if (far === undefined || open || program.directory.size > 0) return
  throw new ConfigError(
    'CONFIG_INVALID',
    `--listen: ${formatListenUrl(far)} is not loopback and there is no user: add one with "user add NAME --node-id ID", or give --open`,
  )
}

/** The program with this one door, ready. */
export const serve = async (version: string, config: RelayConfig): Promise<Program> => {
  const program = await Program.start({ app: 'relay', version, config, doors: DOORS })
  try {
    await openDoor(program, config)
    await program.ready()
    return program
  } catch (error) {
    await program.stop()
    throw error
  }
}
