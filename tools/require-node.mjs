// Plain old syntax on purpose: this file is what a Node that is too old gets to run.
if (Number(process.versions.napi) < 10) {
  console.error('Node ' + process.versions.node + ' is too old: Sluice needs Node 22.14 or newer')
  process.exit(2)
}
