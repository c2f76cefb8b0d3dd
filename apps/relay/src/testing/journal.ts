/** The `session.end` line of the log. */
export interface End {
  readonly time: number
  readonly client: string
  readonly target?: string
  readonly user?: string
  readonly code: string
  readonly up: number
  readonly down: number
  readonly ms: number
}

/** The log, and who waits for a session to end. */
export class Journal {
  readonly lines: string[] = []
  readonly ends: End[] = []
  readonly #waiting = new Set<() => void>()

  write(line: string): void {
    this.lines.push(line)
    if (!line.includes('"session.end"')) return
    this.ends.push(JSON.parse(line) as End)
    for (const check of this.#waiting) check()
  }

  /** Lines of one message. */
  of(message: string): Record<string, unknown>[] {
    const lines = this.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    return lines.filter(({ msg }) => msg === message)
  }

  /** How the session of a client port has ended, or will. Ports are used again, so it began at `since` at the earliest. */
  end({ port, since }: { port: number; since: number }): Promise<End> {
    return new Promise((resolve) => {
      const check = (): void => {
        const end = this.ends.find(({ client, time }) => client.endsWith(`:${port}`) && time >= since)
        if (end === undefined) return
        this.#waiting.delete(check)
        resolve(end)
      }
      this.#waiting.add(check)
      check()
    })
  }
}
