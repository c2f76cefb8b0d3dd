const LOCAL = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Whether a web page may use the relay: one from this machine, one whose origin is listed, or any where `*` is. */
export const mayCome =
  (listed: readonly string[]) =>
  (origin: string): boolean =>
    listed.includes('*') || listed.includes(origin) || LOCAL.has(URL.parse(origin)?.hostname ?? '')
