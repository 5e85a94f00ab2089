import { defineConfig } from 'vitest/config'

// Not among the default projects: it needs root, apt access to Debian's packages and some minutes (testbed/README.md).
export default defineConfig({
  test: {
    name: 'real-server',
    root: import.meta.dirname,
    include: ['*.real.ts'],
    environment: 'node',
    testTimeout: 180_000,
    hookTimeout: 900_000,
    // Two servers on one machine, and requests go to whichever worker is connected.
    fileParallelism: false,
    bail: 1,
  },
})
