/** The two names that the preload uses with `ipcRenderer`; what is asked stands inside the message. */
export const requestChannel = 'station:request'
export const eventChannel = 'station:event'
