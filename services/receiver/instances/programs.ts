/** Balancers that are programs of their own: where they are, what they are told, and how they are asked to end. */
import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { delimiter, join } from 'node:path'

export interface Sites {
  /** For its configuration, and where the instances' sockets lie. */
  readonly folder: string
  readonly host: string
  readonly port: number
  /** Paths of the instances' sockets. */
  readonly sockets: readonly string[]
}

export interface Program {
  readonly name: 'haproxy' | 'nginx'
  /** How it is started on a configuration, in the foreground; undefined when it is not here. */
  command(): ((folder: string, file: string) => readonly string[]) | undefined
  configuration(sites: Sites): string
  /** Has it take no more connections, end those it has, and go. */
  readonly leave: string
  /** What to do when it is not here. */
  readonly remedy: string
}

/** Those who send may be silent for as long as they wait for an object; receivers end idle connections themselves. */
const patience = '24h'

const haproxy: Program = {
  name: 'haproxy',
  leave: 'USR1',
  remedy: 'apt-get install haproxy',
  command() {
    const path = find('haproxy')
    return path === undefined ? undefined : (_folder, file) => [path, '-db', '-q', '-f', file]
  },
  configuration: ({ host, port, sockets }) => `
global
  hard-stop-after 5s
  noreuseport
defaults
  mode tcp
  timeout connect 2s
  timeout client ${patience}
  timeout server ${patience}
  timeout client-fin 5s
  timeout server-fin 5s
  option redispatch 1
  retries ${sockets.length + 2}
frontend door
  bind ${hostPort(host, port)}
  default_backend receivers
backend receivers
  balance leastconn
  default-server send-proxy check inter 250ms fall 1 rise 1 observe layer4 error-limit 1 on-error mark-down
${sockets.map((path, i) => `  server instance-${i + 1} unix@${path}`).join('\n')}
`,
}

const nginx: Program = {
  name: 'nginx',
  leave: 'QUIT',
  remedy: 'apt-get install nginx libnginx-mod-stream',
  command() {
    const path = find('nginx')
    if (path === undefined || streamModule(path) === undefined) return undefined
    return (folder, file) => [path, '-p', folder, '-e', 'stderr', '-c', file]
  },
  // One process: with a master, what a killed master leaves behind goes on alone.
  configuration: ({ folder, host, port, sockets }) => `
${streamModule(find('nginx') ?? '') ?? ''}
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections ${2 * 4096 * sockets.length + 64}; }
stream {
  upstream receivers {
    least_conn;
${sockets.map((path) => `    server unix:${path} max_fails=0;`).join('\n')}
  }
  server {
    listen ${hostPort(host, port)};
    proxy_pass receivers;
    proxy_protocol on;
    proxy_connect_timeout 2s;
    proxy_timeout ${patience};
  }
}
`,
}

export const programs: readonly Program[] = [haproxy, nginx]

function hostPort(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

/** Where administrators' programs lie is not in everybody's PATH. */
function find(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin']
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The line that loads nginx' module for connections, '' where it is built in, undefined where it is missing. */
function streamModule(nginxPath: string): string | undefined {
  let built: string
  try {
    // What it was built with goes to stderr.
    built = execFileSync('sh', ['-c', '"$0" -V 2>&1', nginxPath], { encoding: 'utf8' })
  } catch {
    return undefined
  }
  if (/--with-stream(?:\s|$)/m.test(built)) return ''
  const path = join(/--modules-path=(\S+)/.exec(built)?.[1] ?? '/usr/lib/nginx/modules', 'ngx_stream_module.so')
  return existsSync(path) ? `load_module ${path};` : undefined
}
