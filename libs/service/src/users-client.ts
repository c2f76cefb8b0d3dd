import { z } from 'zod'
import type { UserReport } from './user-status.ts'

const DEADLINE_MS = 5000
const MAX_BYTES = 32 * 1024 * 1024

const count = z.number().min(0)
const reportSchema = z.object({
  app: z.string(),
  version: z.string(),
  uptimeMs: count,
  total: count,
  users: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      state: z.enum(['active', 'disabled', 'expired', 'quota']),
      connections: count,
      ips: count,
      up: count,
      down: count,
      used: count,
      limits: z.looseObject({}),
      quotaLeft: count.optional(),
    }),
  ),
})

/** @throws Error that says, in one line, what is the matter with the program at `url` */
export const fetchUsers = async (url: URL, signal: AbortSignal): Promise<UserReport> => {
  const response = await respond(url, signal)
  const body = await bodyOf(response)
  if (response.ok) return reportSchema.parse(JSON.parse(body)) as UserReport
  throw new Error(`${url.host} answers ${response.status}${reasonIn(body)}`)
}

const respond = async (url: URL, signal: AbortSignal): Promise<Response> => {
  try {
    return await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]) })
  } catch (cause) {
    const code: unknown = Object(Object(cause).cause).code ?? Object(cause).name
    throw new Error(`cannot reach ${url.host} (${String(code)}): does the program run, with this --ops?`, {
      cause,
    })
  }
}

const bodyOf = async (response: Response): Promise<string> => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    if ((size += chunk.length) > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes of users`)
  }
  return Buffer.concat(chunks).toString()
}

/** As the ops endpoint words it, if it was the ops endpoint. */
const reasonIn = (body: string): string => {
  try {
    return `: ${String(Object(Object(JSON.parse(body)).error).text)}`
  } catch {
    return ''
  }
}
