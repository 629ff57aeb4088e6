"""How many tokens a text is, estimated high without a tokenizer: counts of byte classes times measured weights."""


def text_tokens(text: bytes) -> int:
    """Tokens of a text for a byte-pair vocabulary of the OpenAI kind, estimated high."""
    ascii_bytes = len(text.decode("utf-8", "replace").encode("ascii", "ignore"))
    return -(-ascii_bytes * 2 // 5) + (len(text) - ascii_bytes)
