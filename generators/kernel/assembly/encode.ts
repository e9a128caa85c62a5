export function encodeVersion(): i32 {
  return 1
}
