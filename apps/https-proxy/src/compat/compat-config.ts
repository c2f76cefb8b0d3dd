import { ConfigError, type ConfigSchema, type Directory, size, text, wholeNumber } from '@sluice/service'
import { z } from 'zod'

/** What can be said of the listener for clients of the original, beside where it is. */
export interface CompatConfig {
  compatUser: string | undefined
  compatKeepAlive: boolean
  compatRedirects: number
  compatMemory: number
}

export const compatSchema: ConfigSchema<CompatConfig> = z.object({
  compatUser: text.optional().meta({
    description: 'user whose requests those of --compat are: its frames have no login',
    placeholder: 'NAME',
    group: 'access',
  }),
  compatKeepAlive: z.boolean().default(false).meta({
    description: 'let a client of --compat send another request on its connection',
    group: 'operation',
  }),
  compatRedirects: wholeNumber(0, 50).prefault(0).meta({
    description: 'redirects that are followed for clients of --compat',
    group: 'limits',
    live: true,
  }),
  compatMemory: size.prefault('256MiB').meta({
    description: 'what requests and answers of --compat may take in memory together',
    group: 'limits',
  }),
})

/**
 * To be asked before the listener is opened.
 * @throws ConfigError where nobody could come in by it
 */
export const checkCompat = (
  directory: Directory,
  { compatUser: name }: CompatConfig,
  isOpen: boolean,
): void => {
  if (name !== undefined && directory.byName(name) === undefined) {
    throw new ConfigError(
      'CONFIG_INVALID',
      `--compat-user: there is no user ${JSON.stringify(name.slice(0, 80))}`,
    )
  }
  if (name !== undefined || isOpen) return
  throw new ConfigError(
    'CONFIG_INVALID',
    '--compat: its clients cannot sign in: give --compat-user NAME, whose requests they are then, or --open',
  )
}
