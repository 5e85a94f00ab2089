import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export interface ProcessInfo {
  readonly pid: number
  readonly parent: number
  /** Arguments, joined by blanks. */
  readonly command: string
}

/** A process and everything below it, from /proc (proc(5)). */
export function processTree(root: number): readonly ProcessInfo[] {
  const all = allProcesses()
  const tree: ProcessInfo[] = all.filter(({ pid }) => pid === root)
  // `tree` grows while it is walked.
  for (const { pid } of tree) tree.push(...all.filter(({ parent }) => parent === pid))
  return tree
}

export function allProcesses(): readonly ProcessInfo[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = read(`/proc/${name}/stat`)
      const command = read(`/proc/${name}/cmdline`)
      if (stat === null || command === null) return []
      // The second field is the name in parentheses and may hold anything; the fields after its last `)` are safe to split.
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      return [{ pid: Number(name), parent, command: command.replaceAll('\0', ' ') }]
    })
}

/** TCP sockets that listen and UDP sockets that are bound, of this one process, each in its own network namespace: `tcp 0100007F:1F90`. */
export function openPorts(pid: number): readonly string[] {
  const own = new Set(socketsOf(pid))
  return ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((table) => {
    const rows = (read(`/proc/${pid}/net/${table}`) ?? '').trim().split('\n').slice(1)
    return rows.flatMap((row) => {
      const [, local = '', , state, , , , , , inode = ''] = row.trim().split(/\s+/)
      const waits = table.startsWith('udp') || state === '0A'
      return waits && own.has(inode) ? [`${table} ${local}`] : []
    })
  })
}

function socketsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.slice(1) ?? []
      } catch {
        return []
      }
    })
  } catch {
    return []
  }
}

/** A field of /proc/PID/status. */
export function statusField(pid: number, field: string): string | null {
  return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(read(`/proc/${pid}/status`) ?? '')?.[1] ?? null
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // It ended while we looked.
    return null
  }
}
