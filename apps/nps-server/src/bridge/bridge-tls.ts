import { TlsFiles } from '@sluice/net'
import { ConfigError, type Program } from '@sluice/service'

/** How often the files are looked at. */
const POLL_MS = 2000

export interface BridgeTlsPaths {
  readonly bridgeCert: string | undefined
  readonly bridgeKey: string | undefined
}

/**
 * The certificate that the bridge shows, of its operator, followed while the program runs; undefined where none is given. For
 * whoever looks at TLS on the way: client programs go by the server's identity, whatever they are shown.
 * @throws ConfigError where the files are of no use, or one of them is missing
 */
export const openBridgeTls = async (
  program: Pick<Program, 'log' | 'onReload' | 'onStop'>,
  { bridgeCert: cert, bridgeKey: key }: BridgeTlsPaths,
): Promise<TlsFiles | undefined> => {
  if (cert === undefined && key === undefined) return undefined
  if (cert === undefined || key === undefined) {
    throw new ConfigError('CONFIG_INVALID', '--bridge-cert and --bridge-key want each other')
  }
  const { log } = program
  const files = await orUseless(
    TlsFiles.open({
      paths: { cert, key },
      onChange: () => log.info({ cert }, 'tls.reloaded'),
      onError: (error) => log.error({ err: error }, 'tls.kept'),
    }),
  )
  program.onReload(() => orUseless(files.prepare()))
  const polling = setInterval(() => void files.poll(), POLL_MS).unref()
  program.onStop(() => clearInterval(polling))
  return files
}

const orUseless = async <T>(reading: Promise<T>): Promise<T> => {
  try {
    return await reading
  } catch (cause) {
    throw new ConfigError('CONFIG_INVALID', `--bridge-cert: ${(cause as Error).message}`, { cause })
  }
}
