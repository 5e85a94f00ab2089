/** The names on both sides of the pipe. The first is taken away from the page before its own scripts run. */
export const sendBinding = '__stationSend'
export const deliverFunction = '__stationDeliver'
/** Gives main a file that the page holds, once, so that the browser can be asked where it lies. */
export const fileFunction = '__stationFile'
/** Channel of the question for the path of a file; its text is the file's number. */
export const filePathChannel = 'station:file-path'

/**
 * Runs in the page before any script of its own: the built preload with a stand-in for Electron's `contextBridge` and
 * `ipcRenderer`, and a filter for the browser's own keys. The page's world is this script's world; there is no Node in that
 * process, and main believes nothing that arrives (I7), so that nothing more is exposed than the named functions.
 */
export function pageScript(preload: string): string {
  return `(() => {
'use strict';
const send = globalThis.${sendBinding};
delete globalThis.${sendBinding};
if (globalThis.top !== globalThis || typeof send !== 'function') return;
const waiting = new Map();
const listeners = new Map();
let lastTicket = 0;
Object.defineProperty(globalThis, '${deliverFunction}', { value(message) {
  if (message.ticket !== undefined) {
    const resolve = waiting.get(message.ticket);
    waiting.delete(message.ticket);
    resolve?.(message.text);
    return;
  }
  for (const listener of listeners.get(message.channel) ?? []) listener({}, message.text);
} });
const files = new Map();
Object.defineProperty(globalThis, '${fileFunction}', { value(number) {
  const file = files.get(number);
  files.delete(number);
  return file;
} });
const electron = {
  webUtils: {
    getPathForFile(file) {
      return new Promise((resolve) => {
        lastTicket += 1;
        waiting.set(lastTicket, resolve);
        files.set(lastTicket, file);
        send(lastTicket + ' ${filePathChannel} ' + lastTicket);
      });
    },
  },
  contextBridge: {
    exposeInMainWorld(name, api) { Object.defineProperty(globalThis, name, { value: Object.freeze(api), enumerable: true }); },
  },
  ipcRenderer: {
    invoke(channel, text) {
      return new Promise((resolve) => {
        lastTicket += 1;
        waiting.set(lastTicket, resolve);
        send(lastTicket + ' ' + channel + ' ' + text);
      });
    },
    on(channel, listener) { listeners.set(channel, [...(listeners.get(channel) ?? []), listener]); },
  },
};
(function (require, module, exports) {
${preload}
})((name) => {
  if (name !== 'electron') throw new Error('the preload may only require electron');
  return electron;
}, { exports: {} }, {});
${keyFilter}
})();`
}

// Editing, zoom, reload and closing the window stay; every other chord is the browser's (developer tools, task manager, downloads,
// a new window, history) and would be a way out of the station. The page sees all of them first in an --app window, and its own
// handlers still run: only the browser's answer is stopped. AltGr writes characters on many keyboards, also in PINs.
const keyFilter = `
const withControl = new Set(['a','c','v','x','y','z','r','w','q','+','-','=','0','Enter','Backspace','Delete','Insert','Home','End','ArrowLeft','ArrowRight','ArrowUp','ArrowDown','Tab','Control','Shift','Alt']);
addEventListener('keydown', (event) => {
  if (event.getModifierState('AltGraph')) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const chord = event.ctrlKey || event.metaKey;
  const stop =
    (/^F([1-9]|1[0-9]|2[0-4])$/.test(key) && key !== 'F5') ||
    (key === 'Escape' && event.shiftKey) ||
    (event.altKey && key !== 'Alt' && key !== 'F4') ||
    (chord && !withControl.has(key)) ||
    (chord && event.shiftKey && /^[a-uwxy]$/.test(key)) ||
    key.startsWith('Browser') || key.startsWith('Launch');
  if (stop) event.preventDefault();
}, { capture: true });
addEventListener('contextmenu', (event) => event.preventDefault(), { capture: true });
// A file dropped on the window would be opened in place of the page.
addEventListener('dragover', (event) => event.preventDefault(), { capture: true });
addEventListener('drop', (event) => event.preventDefault(), { capture: true });
`
