import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { makeRoomForFiles } from './file-room.ts'

const numberIn = (file: string, line: RegExp): number =>
  Number(line.exec(readFileSync(file, 'utf8'))?.[1] ?? Infinity)

it.runIf(process.platform === 'linux')(
  'there is room for the files of thousands of ports, or as many as may be',
  () => {
    const most = numberIn('/proc/self/limits', /Max open files +(\d+)/)
    makeRoomForFiles()
    const room = numberIn('/proc/self/status', /FDSize:\s+(\d+)/)
    expect(room).toBeGreaterThanOrEqual(Math.min(most, 8192))
    expect(room).toBeLessThan(Infinity)
  },
)
