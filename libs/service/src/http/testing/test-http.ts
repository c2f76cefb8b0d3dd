import type { Directory } from '../../directory.ts'
import type { Handshake } from '../../request.ts'
import { Deadlines } from '../forward/deadlines.ts'
import type { ForwardSettings } from '../forward/settings.ts'
import { http, type HttpDoor } from '../http.ts'

export const VIA = 'sluice-test'

export const forwardSettings = (settings: Partial<ForwardSettings> = {}): ForwardSettings => ({
  via: VIA,
  headMs: 10_000,
  keepAliveMs: 60_000,
  responseMs: 300_000,
  deadlines: new Deadlines(),
  ...settings,
})

/** A door that takes HTTP and nothing else. */
export const testHttp = (
  settings: Partial<ForwardSettings> = {},
  more: (directory: Directory) => Partial<HttpDoor> = () => ({}),
): Handshake => {
  const forward = forwardSettings(settings)
  return (reader, directory) => http(reader, directory, { forward, ...more(directory) })
}
