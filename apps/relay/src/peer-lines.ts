export interface PeerLinesOptions {
  /** How the program is called, such as `node apps/relay/dist/main.mjs`. */
  readonly program: string
  /** Of the relay, with its id. */
  readonly url: string
  /** Of the user whom both peers are. */
  readonly token: string
  /** Folder in which each of the two peers has one of its own. */
  readonly data: string
}

/** Where the first peer leads to, and where the second one listens. */
const FORWARD = '127.0.0.1:22'
const LISTEN = '127.0.0.1:2222'

/** The URL of a relay, then a line that runs a peer there, and one for another that leads to it, ready to paste into a shell. */
export const peerLines = ({ program, url, token, data }: PeerLinesOptions): string[] => {
  const common = (peer: string): string =>
    `--data ${quoted(`${data}/${peer}`)} --relay ${quoted(url)} --token-stdin`
  const id = `"$(${program} peer id --data ${quoted(`${data}/peer-a`)})"`
  const as = `echo ${quoted(token)} | ${program} peer`
  return [
    url,
    `${as} listen ${common('peer-a')} --forward ${FORWARD}`,
    `${as} dial ${id} ${common('peer-b')} --listen ${LISTEN}`,
  ]
}

/** As one word of a POSIX shell. */
const quoted = (text: string): string =>
  /^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
