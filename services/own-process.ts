/** A service in a process of its own, the child's side: told by its parent what to serve, and gone with it. */

export type ToChild<Orders> = { readonly kind: 'begin'; readonly orders: Orders } | { readonly kind: 'stop' }

export type FromChild<News> =
  | { readonly kind: 'listening'; readonly url: string }
  | { readonly kind: 'trouble'; readonly message: string }
  | { readonly kind: 'news'; readonly news: News }
  /** The service has ended; the process waits to be let go. */
  | { readonly kind: 'stopped' }

/** A service with everything that was opened for it. */
export interface Begun {
  readonly url: string
  close(): Promise<void>
}

/** How a child speaks to its parent. */
export interface Report<News> {
  trouble(message: string): void
  news(news: News): void
}

/** Begins when the parent says so, ends the service when it says so, and the process when it is gone. */
export function serveParent<Orders, News = never>(begin: (orders: Orders, report: Report<News>) => Promise<Begun>): void {
  const say = (message: FromChild<News>, then?: () => void) => {
    if (process.connected) process.send?.(message, () => then?.())
  }
  const trouble = (message: string, then?: () => void) => say({ kind: 'trouble', message }, then)
  let running: Promise<Begun> | undefined
  process.on('message', (message: ToChild<Orders>) => {
    if (message.kind === 'begin') {
      running ??= begin(message.orders, { trouble, news: (news) => say({ kind: 'news', news }) })
      running.then(
        ({ url }) => say({ kind: 'listening', url }),
        (error: unknown) => trouble(messageOf(error), () => process.disconnect()),
      )
      return
    }
    running
      ?.then((service) => service.close())
      .catch((error: unknown) => trouble(messageOf(error)))
      .finally(() => say({ kind: 'stopped' }))
  })
  // The parent's end, however it ended, is this one's too; Ctrl-C at the terminal is the parent's to act on.
  process.on('disconnect', () => process.exit(0))
  process.on('SIGINT', () => undefined)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
