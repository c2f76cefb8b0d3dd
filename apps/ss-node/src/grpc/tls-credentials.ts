import { experimental, type ServerCredentials } from '@grpc/grpc-js'
import type { ServerPem, ServerTls } from '../remote/server-tls.ts'

type Provider = Parameters<typeof experimental.createCertificateProviderServerCredentials>[0]
type Listener = Parameters<Provider['addIdentityCertificateListener']>[0]

/** Credentials that follow `tls`: connections from a change on are shown the new certificate. */
export const tlsCredentials = (tls: ServerTls): ServerCredentials => {
  const followers = new Map<Listener, (pem: ServerPem) => void>()
  const provider: Provider = {
    addIdentityCertificateListener: (listener) => {
      const tell = ({ cert, key }: ServerPem): void =>
        listener({ certificate: Buffer.from(cert), privateKey: Buffer.from(key) })
      followers.set(listener, tell)
      tls.follow(tell)
      // Not at once: its server is among those that hear of it only when this has returned.
      queueMicrotask(() => tell(tls.pem))
    },
    removeIdentityCertificateListener: (listener) => {
      const tell = followers.get(listener)
      if (tell !== undefined) tls.unfollow(tell)
      followers.delete(listener)
    },
    // Nobody is asked for a certificate.
    addCaCertificateListener: () => {},
    removeCaCertificateListener: () => {},
  }
  // It takes the provider of its own certificate first, whatever its parameters are called.
  return experimental.createCertificateProviderServerCredentials(provider, null, false)
}
