import type { Address } from '@sluice/wire'
import { ConfigError } from './config-error.ts'
import type { ErrorCode } from './errors.ts'
import { isLoopbackListener } from './loopback.ts'
import type { Program } from './program.ts'

export interface OpennessOptions {
  /** Said so by whoever runs the door. */
  readonly open: boolean
  /** Where its clients are expected. */
  readonly listeners: readonly Address[]
  /** What may stand in front, and bring others to loopback; asked each time, since it may change. @default nothing */
  readonly balancers?: () => readonly string[]
  /** What guests who were let in are told when there are users. */
  readonly code: ErrorCode
}

/**
 * Whether somebody comes in who is nobody's user: said so, or where only this machine can and nobody has been a user
 * since the start. The first user ends that for good, and the guests go: that the last one was removed opens nothing.
 * @returns to be asked at each request
 */
export const openness = (
  program: Pick<Program, 'directory' | 'onStop'>,
  { open, listeners, balancers = () => [], code }: OpennessOptions,
): (() => boolean) => {
  const { directory } = program
  if (open) return () => true
  let isOpen = directory.size === 0 && listeners.every(isLoopbackListener)
  const watch = directory.watch(() => {
    if (!isOpen || directory.size === 0) return
    isOpen = false
    directory.guest.cut(code)
  })
  program.onStop(() => watch[Symbol.dispose]())
  return () => isOpen && balancers().length === 0
}

export interface CheckOpenOptions {
  readonly open: boolean
  /** What is said of each: where it is, and how it was written. */
  readonly listeners: readonly { readonly address: Address; readonly written: string }[]
  /** What may stand in front, and bring others to loopback. @default nothing */
  readonly balancers?: readonly string[]
  /** How a user is added. @default user add NAME */
  readonly add?: string
}

/** @throws ConfigError where a listener leads beyond loopback, there is no user, and nobody has said that this is meant */
export const checkOpen = (
  { directory }: Pick<Program, 'directory'>,
  { open, listeners, balancers = [], add = 'user add NAME' }: CheckOpenOptions,
): void => {
  const far = listeners.find(({ address }) => !isLoopbackListener(address) || balancers.length > 0)
  if (far === undefined || open || directory.size > 0) return
  throw new ConfigError(
    'CONFIG_INVALID',
    `${far.written} is ${balancers.length > 0 ? 'behind --proxy-protocol' : 'not loopback'} and there is no user: add one with "${add}", or give --open`,
  )
}
