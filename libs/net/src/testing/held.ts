import { existsSync, readdirSync } from 'node:fs'

/** What the process holds open now. Timers of the test runner come and go, so of these only whether there are many. */
export const held = (): { sockets: number; files: number; hasManyTimers: boolean } => {
  const names = process.getActiveResourcesInfo()
  return {
    sockets: names.filter((name) => name === 'TCPSocketWrap').length,
    files: existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0,
    hasManyTimers: names.filter((name) => name === 'Timeout').length > 10,
  }
}
