// A call of one of the platform's bindings with an end: a timer beside its promise, here because each promise that Python
// awaits costs it about 300 µs, and this way it is one as before. What is given up on is not stopped: it may still happen.

export function within(milliseconds, target, method, ...args) {
  return new Promise((resolve, reject) => {
    const answer = target[method](...args);
    const timer = setTimeout(() => reject(late(method)), milliseconds);
    const inTime = (settle) => (value) => {
      clearTimeout(timer);
      settle(value);
    };
    answer.then(inTime(resolve), inTime(reject));
  });
}

export function late(method) {
  return new DOMException(`${method} took too long`, "TimeoutError");
}
