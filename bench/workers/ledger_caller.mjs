// Calls a Ledger by RPC from inside the runtime, so that what is timed is the object and not the way to it.
// The body is {"tenant", "lanes"}: lanes run side by side, the questions of a lane one after the other.
// Answers {"ms", "answers"}: the texts in the order of the lanes.
export default {
  async fetch(request, env) {
    const { tenant, lanes } = await request.json();
    const ledger = env.LEDGER.getByName(tenant);
    const began = Date.now();
    const answers = await Promise.all(
      lanes.map(async (questions) => {
        const texts = [];
        for (const question of questions) texts.push(await ledger.tell(question));
        return texts;
      }),
    );
    return Response.json({ ms: Date.now() - began, answers: answers.flat() });
  },
};
