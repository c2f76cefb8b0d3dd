import { clientKeys, fingerprintOf, formatEnrolment, makeSecret, openBridgeIdentity } from './bridge/index.ts'
import type { Enrolment } from './manager-inputs.ts'

/** A new key for the bridge of the server on this data folder. @throws ConfigError where its identity is of no use */
export const makeEnrolment = (data: string): Enrolment => {
  const secret = makeSecret()
  const fingerprint = fingerprintOf(openBridgeIdentity({ data }).publicKey)
  return {
    publicKey: clientKeys(secret).publicKey,
    text: (server) => formatEnrolment({ server, fingerprint, secret }),
  }
}
