import { TlsFiles } from '@sluice/net'
import { ConfigError, type Program } from '@sluice/service'

/** PEM. */
export interface ServerPem {
  readonly cert: string
  readonly key: string
}

type Follower = (pem: ServerPem) => void

/** What a server shows of itself, which may be replaced while it runs. */
export class ServerTls {
  #pem: ServerPem
  readonly #followers = new Set<Follower>()

  constructor(pem: ServerPem) {
    this.#pem = pem
  }

  get pem(): ServerPem {
    return this.#pem
  }

  /** For connections from now on. */
  set(pem: ServerPem): void {
    this.#pem = pem
    for (const follower of this.#followers) follower(pem)
  }

  /** Told of each change. */
  follow(follower: Follower): void {
    this.#followers.add(follower)
  }

  unfollow(follower: Follower): void {
    this.#followers.delete(follower)
  }
}

const LOOK_EVERY_MS = 2000

/**
 * Follows the files of a server: by a reload, and seconds after they have changed.
 * @throws ConfigError where they cannot be read, or are of no use
 */
export const openServerTls = async (
  program: Pick<Program, 'log' | 'onReload' | 'onStop'>,
  door: string,
  cert: string | undefined,
  key: string | undefined,
): Promise<ServerTls | undefined> => {
  if (cert === undefined || key === undefined) return undefined
  const { log } = program
  const files = await orUseless(
    door,
    TlsFiles.open({
      paths: { cert, key },
      onChange: () => {
        tls.set(files.credentials)
        log.info({ door }, 'tls.reloaded')
      },
      onError: (error) => log.error({ door, err: error }, 'tls.kept'),
    }),
  )
  const tls = new ServerTls(files.credentials)
  program.onReload(() => orUseless(door, files.prepare()))
  const looking = setInterval(() => void files.poll(), LOOK_EVERY_MS).unref()
  program.onStop(() => clearInterval(looking))
  return tls
}

const orUseless = async <T>(door: string, reading: Promise<T>): Promise<T> => {
  try {
    return await reading
  } catch (cause) {
    throw new ConfigError('CONFIG_INVALID', `${door}: ${(cause as Error).message}`, { cause })
  }
}
