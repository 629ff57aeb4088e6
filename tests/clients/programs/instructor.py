"""instructor: an answer of a schema, whole and in parts; it is all that it does."""

from pydantic import BaseModel

HELLO = [{"role": "user", "content": "a city?"}]


class City(BaseModel):
    name: str
    people: int


def ask() -> str:
    return client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, response_model=City).name


def stream() -> str:
    parts = client.chat.completions.create_partial(model="gpt-4o-mini", messages=HELLO, response_model=City)
    return list(parts)[-1].name


def structured() -> str:
    return type(client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, response_model=City)).__name__
