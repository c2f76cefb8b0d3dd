import { hasIdentity, type SsKey, ssKey, ssMethod } from '@sluice/wire/shadowsocks'
import { z } from 'zod'

/** The key of a server, for one port. */
export interface IdentityKey {
  readonly port: number
  readonly key: SsKey
}

const WANTED = 'PORT:METHOD:KEY with a 2022 AES method and its key in Base64, one for each port'

const parseIdentityKey = (written: string): IdentityKey => {
  const [, port = '', name = '', secret = ''] = /^(\d{1,5}):([\w-]+):(.+)$/.exec(written.trim()) ?? []
  const method = ssMethod(name)
  if (port === '' || Number(port) > 65_535 || method === undefined || !hasIdentity(method)) {
    throw new RangeError(WANTED)
  }
  return { port: Number(port), key: ssKey(method, secret) }
}

/** A list of them; nothing is said of one that is wrong but what was wanted, since it is secret. */
export const identityKeys: z.ZodType<IdentityKey[], string | string[]> = z
  .union([z.array(z.string()).max(1000), z.string().transform((value) => value.split(','))])
  .transform((values, context) => {
    try {
      const keys = values.map(parseIdentityKey)
      if (new Set(keys.map(({ port }) => port)).size === keys.length) return keys
    } catch {
      // Said below.
    }
    context.addIssue({ code: 'custom', message: WANTED })
    return z.NEVER
  })
  .meta({ placeholder: 'PORT:METHOD:KEY', wanted: WANTED, list: true })
