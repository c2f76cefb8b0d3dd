import type { z } from 'zod'
import { text } from './config-types.ts'

type File = z.ZodType<string | undefined>

const file = (description: string): File =>
  text.optional().meta({ description, placeholder: 'FILE', group: 'listeners' })

/** Settings for the files of a TLS listener. @param whose certificate it is, in words */
export const tlsFiles = (whose: string): { cert: File; key: File; clientCa: File } => ({
  cert: file(`certificate of ${whose} and the chain behind it, PEM; may be replaced at any time`),
  key: file('its private key, PEM'),
  clientCa: file('CA certificates, PEM; TLS clients then have to show a certificate of theirs'),
})
