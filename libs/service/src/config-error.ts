/**
 * - USAGE: a flag that does not exist, or that lacks its value
 * - CONFIG_INVALID: a value that cannot be, an unknown key, a file that cannot be read
 */
export type ConfigErrorCode = 'USAGE' | 'CONFIG_INVALID'

/** Bad flags or configuration. The message is one line, says where and what was wanted, and holds no secret: print it on stderr and exit 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code: ConfigErrorCode

  constructor(code: ConfigErrorCode, message: string, options?: ErrorOptions) {
    super(message.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' '), options)
    this.code = code
  }
}
