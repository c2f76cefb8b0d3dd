import { ConfigError, type Directory } from '@sluice/service'

/**
 * To be asked before the listener is opened.
 * @param user name of the one whose requests they all are
 * @param isOpen guests may come in
 * @throws ConfigError where nobody could come in by it
 */
export const checkCompat = (directory: Directory, user: string | undefined, isOpen: boolean): void => {
  if (user !== undefined && directory.byName(user) === undefined) {
    const shown = JSON.stringify(user.slice(0, 80))
    throw new ConfigError('CONFIG_INVALID', `--compat-user: there is no user ${shown}`)
  }
  if (user !== undefined || isOpen) return
  throw new ConfigError(
    'CONFIG_INVALID',
    '--compat: its clients cannot sign in: give --compat-user NAME, whose requests they are then, or --open',
  )
}
