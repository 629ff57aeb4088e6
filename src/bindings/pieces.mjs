// A request body on its way to the provider, taken from Python piece by piece as the provider takes it in: a copy of all
// of it would stand in this isolate's memory beside the one that Python has.

// A stream of exactly so many bytes, so that it is sent with its length. `next` gives the next piece, or nothing at the end.
export function streamOf(length, next) {
  const { readable, writable } = new FixedLengthStream(length);
  const source = new ReadableStream(
    {
      pull(controller) {
        const piece = next();
        if (piece === undefined) controller.close();
        else controller.enqueue(piece);
      },
    },
    { highWaterMark: 0 },
  );
  source.pipeTo(writable).catch(() => {}); // whoever reads the other end is told, and that is the fetch
  return readable;
}
