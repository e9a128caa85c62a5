/** A container's CPU limit, as control groups of both versions tell of it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { findCpuLimit } from './cpu-limit.js'

/** Under a root with these files: the limit in cores, and its periods. */
function under(files: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), 'weir-cpu-limit-'))
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    const limit = findCpuLimit(root)
    return limit && [limit.cores, limit.periods()]
  } finally {
    rmSync(root, { recursive: true })
  }
}

const v2 = { 'proc/mounts': 'proc /proc proc rw 0 0\ncgroup /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n' }
const stat = 'usage_usec 9000000\nuser_usec 1\nnr_periods 90\nnr_throttled 60\nthrottled_usec 4000000\n'

test('version 2: the narrowest of the groups that a process is in, with its own periods', () => {
  assert.equal(
    under({
      ...v2,
      'proc/self/cgroup': '0::/pods/one/box\n',
      'sys/fs/cgroup/pods/cpu.max': '400000 100000\n',
      'sys/fs/cgroup/pods/one/cpu.max': '50000 100000\n',
      'sys/fs/cgroup/pods/one/cpu.stat': stat,
      'sys/fs/cgroup/pods/one/box/cpu.max': 'max 100000\n',
    }),
    [0.5, { all: 90, throttled: 60 }],
  )
})

test('version 2 within a container: its group is the root, whatever the path says', () => {
  const files = { ...v2, 'sys/fs/cgroup/cpu.max': '150000 100000\n', 'sys/fs/cgroup/cpu.stat': stat }
  assert.equal(under({ ...files, 'proc/self/cgroup': '0::/\n' })?.[0], 1.5)
  assert.equal(under({ ...files, 'proc/self/cgroup': '0::/../../elsewhere\n' })?.[0], 1.5)
})

test('version 1, where the controller is mounted with others', () => {
  const mounts = 'cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\ncgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n'
  const files = {
    'proc/mounts': mounts,
    'proc/self/cgroup': '4:memory:/a\n3:cpu,cpuacct:/docker/abc\n0::/\n',
    'sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us': '25000\n',
    'sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us': '100000\n',
    'sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.stat': 'nr_periods 8\nnr_throttled 2\nthrottled_time 123\n',
  }
  assert.equal(under(files), [0.25, { all: 8, throttled: 2 }])
  assert.is(under({ ...files, 'sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us': '-1\n' }), null)
})

test('without a limit, without control groups, without /proc there is none', () => {
  assert.is(under({ ...v2, 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': 'max 100000\n' }), null)
  assert.is(under({ ...v2, 'proc/self/cgroup': '0::/\n' }), null)
  assert.is(under({ 'proc/mounts': '' }), null)
  assert.is(under({}), null)
})

test.run()
