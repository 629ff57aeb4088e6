"""Values of JSON that mean nothing, with the names of the Messages API where they do harm."""

from hypothesis import strategies as st

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = st.sampled_from(["type", "name", "text", "id", "input", "enabled", "effort", "format", "edits", "usage", "x"])
TYPES = st.sampled_from(["text", "base64", "url", "enabled", "adaptive", "tool", "json_schema", "custom", "direct"])

JUNK = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-5, 2**70),
        st.floats(allow_nan=False, allow_infinity=False),
        WORDS,
        TYPES,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)
