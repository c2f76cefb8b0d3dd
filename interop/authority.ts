import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './process.ts'

const openssl = async (...args: string[]): Promise<void> => {
  const { status, stderr } = await run('openssl', args)
  if (status !== 0) throw new Error(stderr)
}
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/** An authority in `folder`: ca.crt and ca.key. */
export const createAuthority = (folder: string): Promise<void> => {
  const files = ['-keyout', join(folder, 'ca.key'), '-out', join(folder, 'ca.crt')]
  return openssl('req', '-x509', ...KEY, '-days', '2', '-subj', '/CN=test authority', ...files)
}

/** A certificate of that authority for `name`, and for localhost: `name`.crt and `name`.key. */
export const certify = async (folder: string, name: string): Promise<void> => {
  const [key, request, cert] = ['key', 'csr', 'crt'].map((kind) => join(folder, `${name}.${kind}`)) as [
    string,
    string,
    string,
  ]
  const names = join(folder, 'names.cnf')
  writeFileSync(names, 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
  await openssl('req', ...KEY, '-subj', `/CN=${name}`, '-keyout', key, '-out', request)
  const signer = ['-CA', join(folder, 'ca.crt'), '-CAkey', join(folder, 'ca.key'), '-CAcreateserial']
  await openssl('x509', '-req', '-in', request, ...signer, '-days', '2', '-extfile', names, '-out', cert)
}
