// In place of the process of a folder: answers what no question was.
process.stdin.once('data', () => {
  process.stdout.write('{"kind":"bytes"}\n')
})
