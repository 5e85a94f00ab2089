import { contextBridge, ipcRenderer, webUtils } from 'electron'
import { makeStationApi } from './api.ts'

// Runs in Electron's isolated world, or before the page's own scripts in a Chromium window; the same built file in both.
contextBridge.exposeInMainWorld(
  'station',
  makeStationApi({
    invoke: (text) => ipcRenderer.invoke('station:request', text),
    pathOf: (file) => webUtils.getPathForFile(file),
    onEvent: (listener) => void ipcRenderer.on('station:event', (_event, text: string) => listener(text)),
  }),
)
