import { type Directory, ServiceError } from '@sluice/service'
import type { Bans } from './bans.ts'
import type { Admission, Admitted } from './login.ts'

export interface DoorAdmissionOptions {
  readonly directory: Pick<Directory, 'byNodeId' | 'byToken' | 'guest'>
  readonly bans: Bans
  /** Whether those who are nobody's user come in as guests. */
  readonly isOpen: () => boolean
}

/** Who comes in at this door: users by their NodeID or a token of theirs, and, where it is open, everybody. */
export class DoorAdmission implements Admission {
  readonly #options: DoorAdmissionOptions

  constructor(options: DoorAdmissionOptions) {
    this.#options = options
  }

  isOut(ip: string): boolean {
    return this.#options.bans.ofIp(ip) !== undefined
  }

  screen(id: string, ip: string): void {
    if (this.#options.bans.isOut({ id, ip })) throw new ServiceError('PEER_BANNED')
  }

  admit(id: string, token: Uint8Array | undefined): Admitted {
    const { directory, isOpen } = this.#options
    const bearer = directory.byNodeId(id) ?? (token && directory.byToken(token))
    if (bearer !== undefined) return { account: bearer.account, credential: bearer }
    if (token !== undefined) throw new ServiceError('AUTH_FAILED', 'a token that is nobody’s')
    if (isOpen()) return { account: directory.guest, credential: undefined }
    throw new ServiceError('PEER_DENIED')
  }

  confirm({ credential }: Admitted): void {
    if (credential?.isValid === false) throw new ServiceError('CREDENTIAL_CHANGED')
    if (credential === undefined && !this.#options.isOpen()) throw new ServiceError('PEER_DENIED')
  }
}
