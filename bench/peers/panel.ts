import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { LOAD_CORE, signalGroup, spawnOn } from '../process.ts'

/** Which users a panel speaks of. The first is told at once, the others when it is told to. */
export interface PanelOrder {
  count: number
  method: string
  /** Of the first user; those of the others begin with it. */
  secret: string
  /** Of the first user; the others are there too, or on those behind it. */
  port: number
  isShared: boolean
  /** Of a target. */
  origin: number
}

export interface Panel {
  url: string
  /** From now on it tells of all users. Resolves when the last of them could come in: ms since it was asked. */
  grow(): Promise<number>
  stop(): void
}

const SCRIPT = join(import.meta.dirname, '../load/panel.ts')
const NODE_FLAGS = ['--conditions=@sluice/source', '--disable-warning=ExperimentalWarning']

/** A panel in a process of its own, on the load's core. */
export async function startPanel(order: PanelOrder): Promise<Panel> {
  const args = [...NODE_FLAGS, SCRIPT, JSON.stringify(order)]
  const child = spawnOn(LOAD_CORE, process.execPath, args, ['pipe', 'pipe', 'inherit'])
  const { stdin, stdout } = child
  if (stdin === null || stdout === null) throw new Error('the panel has no pipes')
  const lines = createInterface(stdout)
  const next = async (word: string): Promise<number> => {
    const [line] = (await Promise.race([once(lines, 'line'), once(lines, 'close')])) as [string?]
    if (!line?.startsWith(`${word} `)) throw new Error('the panel ended')
    return Number(line.slice(word.length))
  }
  const port = await next('listening')
  return {
    url: `http://127.0.0.1:${port}/?token=bench`,
    grow: () => {
      stdin.write('\n')
      return next('served')
    },
    stop: () => signalGroup(child, 'SIGKILL'),
  }
}
