/**
 * Why the program must not run as this user, or null. Root has no desk of its own, its files would be unreadable to the operator
 * afterwards, and Chromium gives root no sandbox.
 */
export function whyNotThisUser(uid: number | undefined, euid: number | undefined): string | null {
  if (uid !== 0 && euid !== 0) return null
  return (
    'Signing Station does not run as root: the window would have no sandbox. Nothing was started. ' +
    'Start it from the operator’s own account, or from a root shell with: setpriv --reuid=OPERATOR --regid=OPERATOR --init-groups --no-new-privs env HOME=/home/OPERATOR signing-station'
  )
}

/** Why `--doctor` must not run as this user, or null: root may open every device, and would find nothing wrong that is wrong for the operator. */
export function whyNoDoctor(uid: number | undefined, euid: number | undefined): string | null {
  if (uid !== 0 && euid !== 0) return null
  return 'Run --doctor from the operator’s own account: root may open every device, and would not find what keeps the operator from his token. Nothing was looked at.'
}

/** Node-API version that the database module needs: under an older Node it ends the process with a segmentation fault and no word. */
const neededNodeApi = 10

/** Why this Node cannot run the program, or null. Asked before any native module is loaded. */
export function whyNotThisNode(versions: { readonly napi?: string; readonly node?: string }): string | null {
  if (Number(versions.napi) >= neededNodeApi) return null
  return `Signing Station needs Node 24 (Node-API ${neededNodeApi}); this is Node ${versions.node ?? 'unknown'} with Node-API ${versions.napi ?? 'unknown'}. Nothing was started. Use the Node that comes with the station.`
}
