// Just enough Markdown to check it: headings, links and shell blocks, in the dialect that code hosts render.

/** A piece of a file and the line, counted from 1, that it starts on. */
export interface Located {
  text: string
  line: number
}

/** What a Markdown file offers to links (`anchors`) and what it asks for (`links`, shell `scripts`). */
export interface Markdown {
  anchors: Set<string>
  links: Located[]
  scripts: Located[]
}

const FENCE = /^(\s*)(`{3,}|~{3,})\s*(\w*)/
const HEADING = /^ {0,3}#{1,6}\s+(.*?)\s*#*$/
const ID = /<a\s+(?:id|name)="([^"]+)"/g
const LINKS = [/\]\(\s*<?([^)\s>]+)/g, /^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)/g, /\b(?:href|src)="([^"]+)"/g]

export function readMarkdown(text: string): Markdown {
  const found: Markdown = { anchors: new Set(), links: [], scripts: [] }
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const fence = FENCE.exec(lines[at] ?? '')
    if (fence) at = readFence(lines, at, fence, found)
    else readProse(lines[at] ?? '', at + 1, found)
  }
  return found
}

/** @returns the index of the closing fence */
function readFence(lines: string[], open: number, fence: RegExpExecArray, found: Markdown): number {
  const [, indent = '', marks = '', language = ''] = fence
  const length = lines.slice(open + 1).findIndex((line) => line.trim().startsWith(marks))
  const close = length < 0 ? lines.length : open + 1 + length
  const body = lines
    .slice(open + 1, close)
    .map((line) => line.slice(Math.min(indent.length, line.search(/\S|$/))))
  const script = language === 'console' ? typedLines(body) : body
  if (['sh', 'bash', 'shell', 'console'].includes(language)) {
    found.scripts.push({ text: script.join('\n'), line: open + 2 })
  }
  return close
}

/** A console block shows answers too: only what follows a prompt was typed. The line count stays. */
function typedLines(body: string[]): string[] {
  let continued = false
  return body.map((line) => {
    const typed = continued || line.startsWith('$ ')
    const text = !continued && typed ? line.slice(2) : line
    continued = typed && line.endsWith('\\')
    return typed ? text : ''
  })
}

function readProse(line: string, number: number, found: Markdown): void {
  const heading = HEADING.exec(line)?.[1]
  if (heading !== undefined) addAnchor(found.anchors, heading)
  for (const id of line.matchAll(ID)) found.anchors.add(id[1] ?? '')
  const prose = line.replaceAll(/`[^`]*`/g, '')
  for (const pattern of LINKS) {
    for (const link of prose.matchAll(pattern)) found.links.push({ text: link[1] ?? '', line: number })
  }
}

/** The slug that code hosts give a heading; the second of a name gets -1, the third -2. */
function addAnchor(anchors: Set<string>, heading: string): void {
  const shown = heading.replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
  const slug = shown.replaceAll(/[^\p{L}\p{M}\p{N}_\- ]/gu, '').replaceAll(' ', '-')
  let unique = slug
  for (let count = 1; anchors.has(unique); count++) unique = `${slug}-${count}`
  anchors.add(unique)
}
