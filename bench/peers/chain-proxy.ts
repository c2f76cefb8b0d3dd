// proxy-chain as its README has it, with a login that is asked for and any taken. Arguments: where the package is, port.
const [location = '', port = ''] = process.argv.slice(2)
const { Server } = await import(location)

const server = new Server({
  host: '127.0.0.1',
  port: Number(port),
  prepareRequestFunction: ({ username }: { username: string }) => ({ requestAuthentication: !username }),
})
await server.listen()
