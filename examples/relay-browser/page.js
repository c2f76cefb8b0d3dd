import { connect, formatNodeId, listen, loadIdentity, nodeIdOf } from '../../apps/relay/dist/browser.mjs'
import { listenTo, Speaker } from './talk.js'

/** @param {string} id */
const element = (id) => document.getElementById(id)
const valueOf = (id) => element(id).value.trim()
const state = (text) => (element('state').textContent = text)

// `?identity=NAME` makes a second page of the same browser somebody else; `?relay=URL` fills in the relay.
const query = new URLSearchParams(location.search)
const identity = await loadIdentity(query.get('identity') ?? undefined)
element('relay').value = query.get('relay') ?? ''

/** @param {string} who @param {...(string | Node)} what */
const log = (who, ...what) => {
  const line = document.createElement('li')
  line.append(`${who}: `, ...what)
  element('log').append(line)
}

/** @type {Speaker | undefined} */
let speaker

/** @param {import('../../apps/relay/src/browser/index.ts').PeerStream} stream */
const talk = async (stream) => {
  const own = new Speaker(stream.writable)
  speaker = own
  element('say').hidden = false
  state(`Connected to ${stream.peer}.`)
  try {
    for await (const { head, body } of listenTo(stream.readable)) {
      if (head.kind === 'text') log('they', head.text)
      else log('they', await linkTo(head.name, body))
    }
    state(`${stream.peer} has hung up.`)
    await own.close().catch(() => {})
  } catch (error) {
    state(`The stream broke off: ${error.code ?? ''} ${error.message}`)
  }
  if (speaker === own) element('say').hidden = true
}

/** @param {string} name @param {Blob} body */
const linkTo = async (name, body) => {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(body)
  link.download = name
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', await body.arrayBuffer()))
  const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
  link.textContent = `${name}, ${body.size} bytes, SHA-256 ${hex}`
  return link
}

const options = () => ({ relay: valueOf('relay'), token: valueOf('token') || undefined, identity })
const failed = (error) => state(`${error.code ?? 'Error'}: ${error.message}`)

element('listen').addEventListener('click', async () => {
  try {
    await listen({
      ...options(),
      onStream: (stream) => void talk(stream),
      onHeld: () => state('Waiting to be called.'),
      onLost: (error, ms) => state(`${error.message}; next try in ${Math.ceil(ms / 1000)} s`),
      onFailed: failed,
    })
  } catch (error) {
    failed(error)
  }
})

element('start').addEventListener('submit', (event) => {
  event.preventDefault()
  state('Calling …')
  connect({ ...options(), peer: valueOf('peer') }).then(talk, failed)
})

element('say').addEventListener('submit', (event) => {
  event.preventDefault()
  const text = valueOf('text')
  if (text === '') return
  element('text').value = ''
  speaker.sayText(text).then(() => log('I', text), failed)
})

element('file').addEventListener('change', () => {
  const [file] = element('file').files
  if (file !== undefined) speaker.sayFile(file).then(() => log('I', file.name), failed)
})

element('bye').addEventListener('click', () => void speaker.close().catch(failed))

// Last, so that who waits for it finds all the rest ready.
element('me').textContent = formatNodeId(nodeIdOf(identity.publicKey))
