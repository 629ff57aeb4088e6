// Counts tokens with real vocabularies: a JSON list of texts on standard input, counts by vocabulary on standard output.
import { countTokens as countO200k } from "gpt-tokenizer/encoding/o200k_base";
import { countTokens as countCl100k } from "gpt-tokenizer/encoding/cl100k_base";
import { getTokenizer } from "@anthropic-ai/tokenizer";

const plain = { allowedSpecial: new Set(), disallowedSpecial: new Set() };
const claude2 = getTokenizer();
let input = "";
for await (const chunk of process.stdin.setEncoding("utf8")) input += chunk;
const texts = JSON.parse(input);
process.stdout.write(
  JSON.stringify({
    o200k_base: texts.map((text) => countO200k(text, plain)),
    cl100k_base: texts.map((text) => countCl100k(text, plain)),
    claude_2: texts.map((text) => claude2.encode(text.normalize("NFKC"), "all").length),
  }),
);
