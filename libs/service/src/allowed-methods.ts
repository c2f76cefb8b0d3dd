/** Which methods the paths of an HTTP server know: for who asks with another one. */
export class AllowedMethods {
  readonly #routes = new Map<string, Set<string>>()

  /** @param url as a route has it: `:name` is any one part of a path, `*` the rest of it */
  add(url: string, methods: string | readonly string[]): void {
    const known = this.#routes.get(url) ?? new Set<string>()
    this.#routes.set(url, known)
    for (const method of [methods].flat()) known.add(method)
  }

  at(path: string): string[] {
    const parts = path.split('/')
    const routes = [...this.#routes].filter(([url]) => matches(url.split('/'), parts))
    return [...new Set(routes.flatMap(([, methods]) => [...methods]))].toSorted()
  }
}

const matches = (route: readonly string[], path: readonly string[]): boolean => {
  if (route.at(-1) === '*' ? path.length < route.length : path.length !== route.length) return false
  return route.every(
    (part, i) => part === '*' || part === path[i] || (part.startsWith(':') && path[i] !== ''),
  )
}
