import { randomInt } from 'node:crypto'
import type { Agent } from './agent.ts'
import type { Selection } from './records.ts'

/** The connected programs of one client, in the order in which they came. */
export class AgentPool {
  readonly #agents: Agent[] = []
  #next = 0

  get all(): readonly Agent[] {
    return this.#agents
  }

  add(agent: Agent): void {
    this.#agents.push(agent)
  }

  /** @returns whether it was there: one that was replaced is not */
  remove(agent: Agent): boolean {
    const at = this.#agents.indexOf(agent)
    if (at >= 0) this.#agents.splice(at, 1)
    return at >= 0
  }

  /** Who takes the next stream; undefined: nobody is there. */
  pick(selection: Selection): Agent | undefined {
    const { length } = this.#agents
    if (length < 2 || selection === 'primary') return this.#agents[0]
    this.#next = (this.#next + 1) % length
    return this.#agents[selection === 'random' ? randomInt(length) : this.#next]
  }

  closeAll(why: string): void {
    for (const agent of [...this.#agents]) agent.close(why)
  }
}
