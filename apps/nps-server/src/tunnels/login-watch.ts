import type { Login } from '../records.ts'
import type { LiveTunnel } from '../registry.ts'
import { isProxy, loginsOf } from './tunnel-place.ts'

/** Cuts who came in by a login that is no more, or while none was needed. */
export class LoginWatch {
  readonly #known = new WeakMap<LiveTunnel, readonly Login[]>()

  check(tunnel: LiveTunnel): void {
    if (!isProxy(tunnel)) return
    const now = loginsOf(tunnel)
    const before = this.#known.get(tunnel) ?? now
    this.#known.set(tunnel, now)
    const isNew = before.length === 0 && now.length > 0
    if (isNew || before.some((login) => !has(now, login))) tunnel.account.cut('CREDENTIAL_CHANGED')
  }
}

const has = (logins: readonly Login[], { name, hash }: Login): boolean =>
  logins.some((login) => login.name === name && login.hash === hash)
