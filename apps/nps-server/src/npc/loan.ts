import type { NpcMux } from '../mux/npc-mux.ts'

/** What a program with a file of its own has brought: tunnels and hosts that live as long as it does, and its file server. */
export class NpcLoan {
  file: NpcMux | undefined = undefined
  readonly #lent: Disposable[] = []
  #isClosed = false

  add(lent: Disposable): void {
    if (this.#isClosed) lent[Symbol.dispose]()
    else this.#lent.push(lent)
  }

  close(): void {
    this.#isClosed = true
    for (const lent of this.#lent.splice(0)) lent[Symbol.dispose]()
    this.file?.close()
    this.file = undefined
  }
}
