import { createPrivateKey } from 'node:crypto'
import { createTlsContext, identityCertificate, type TlsContext, TlsFiles } from '@sluice/net'
import { ConfigError, type Program } from '@sluice/service'
import type { RelayConfig } from './config.ts'
import type { Identity } from './identity.ts'

/** How often the files are looked at. */
const POLL_MS = 2000

/**
 * What the relay shows over TLS: the certificate of its operator, which is followed while the program runs, or one over
 * its identity. Peers are asked for a certificate, and need none.
 * @throws ConfigError where the files are of no use, or one of them is missing
 */
export const openTls = async (
  program: Pick<Program, 'log' | 'onReload' | 'onStop'>,
  { tlsCert: cert, tlsKey: key }: Pick<RelayConfig, 'tlsCert' | 'tlsKey'>,
  { privateKeyPem }: Identity,
): Promise<() => TlsContext> => {
  if (cert === undefined && key === undefined) {
    const own = identityCertificate(createPrivateKey(privateKeyPem))
    const context = createTlsContext({ ...own, asksClientCert: true })
    return () => context
  }
  if (cert === undefined || key === undefined) {
    throw new ConfigError('CONFIG_INVALID', '--tls-cert and --tls-key want each other')
  }
  const { log } = program
  const files = await orUseless(
    TlsFiles.open({
      paths: { cert, key, asksClientCert: true },
      onChange: () => log.info({ cert }, 'tls.reloaded'),
      onError: (error) => log.error({ err: error }, 'tls.kept'),
    }),
  )
  program.onReload(() => orUseless(files.prepare()))
  const polling = setInterval(() => void files.poll(), POLL_MS).unref()
  program.onStop(() => clearInterval(polling))
  return () => files.context
}

const orUseless = async <T>(reading: Promise<T>): Promise<T> => {
  try {
    return await reading
  } catch (cause) {
    throw new ConfigError('CONFIG_INVALID', `--tls-cert: ${(cause as Error).message}`, { cause })
  }
}
