// The kernel's exports. No imports, no garbage collector: memory is reserved once with alloc and reused by the host.

export { digestNextBad } from './digest'
export * from './digest-rows'
export * from './digest-tuples'
export * from './encode'
export * from './inspect'
export * from './memory'
export * from './render'
