import { defineConfig } from 'vitest/config'

// Not among the default projects: it emulates a machine, which takes minutes (README.md).
export default defineConfig({
  test: {
    name: 'usb',
    root: import.meta.dirname,
    include: ['*.guest.ts'],
    environment: 'node',
    hookTimeout: 900_000,
  },
})
