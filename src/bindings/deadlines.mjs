// A call of one of the platform's bindings with an end: its promise raced by a timer, here because each promise that Python
// awaits costs it about 300 µs, and this way it is one as before. What is given up on is not stopped: it may still happen.

export async function within(milliseconds, target, method, ...args) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new DOMException(`${method} took too long`, "TimeoutError")), milliseconds);
  });
  try {
    return await Promise.race([target[method](...args), late]);
  } finally {
    clearTimeout(timer);
  }
}
