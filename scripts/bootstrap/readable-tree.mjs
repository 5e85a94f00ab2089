// The station refuses to run as root. When root starts the tests or the demonstration, the product runs as a user id without an
// account; that user has to be able to read the tree.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

const readableByAll = (path) => {
  const info = statSync(path)
  return info.isDirectory() ? (info.mode & 0o005) === 0o005 : (info.mode & 0o004) === 0o004
}

function reachable(root) {
  for (let folder = root; folder !== dirname(folder); folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false
  }
  return ['.', 'package.json', 'src', 'node_modules', 'node_modules/pkcs11js/package.json'].every((path) =>
    readableByAll(join(root, path)),
  )
}

/**
 * Returns a folder with this tree that everybody can read: the tree itself, or a copy under /var/tmp when it lies below a folder
 * that is closed to others (root's home, a folder made by mktemp). `dispose` removes the copy and brings the test results home.
 */
export function readableTree(root) {
  if (process.getuid() !== 0 || reachable(root)) return { root, dispose: () => {} }
  const copy = mkdtempSync('/var/tmp/signing-station-')
  console.log(
    `bootstrap: ${root} is closed to other users, and the station refuses to run as root; working in a copy, ${copy}`,
  )
  const copied = spawnSync('cp', ['-a', '--reflink=auto', `${root}/.`, copy], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const opened = spawnSync('chmod', ['-R', 'a+rX', copy], { stdio: ['ignore', 'inherit', 'inherit'] })
  if (copied.status !== 0 || opened.status !== 0) {
    rmSync(copy, { recursive: true, force: true })
    throw new Error(`the tree could not be copied to ${copy}`)
  }
  return {
    root: copy,
    dispose: () => {
      const results = join(copy, 'test-results')
      if (existsSync(results)) {
        mkdirSync(join(root, 'test-results'), { recursive: true })
        cpSync(results, join(root, 'test-results'), { recursive: true, force: true })
      }
      rmSync(copy, { recursive: true, force: true })
    },
  }
}
