/** How far ahead may be approved. Apart from the schema: the window has none. `minutesUnseen`: where the lock of the desk cannot be seen. */
export const standingLimits = { uses: 1000, minutes: 8 * 60, minutesUnseen: 15 } as const
