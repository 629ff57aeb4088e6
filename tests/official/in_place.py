"""A pytest plugin that puts the watched clients in the place of the official ones, before any test module is imported.

AgentWatch is not there: its address is a closed port, so a suite also shows that an outage changes nothing.
"""

import os

os.environ.setdefault("AGENTWATCH_API_KEY", "aw_test_" + "0" * 48)
os.environ.setdefault("AGENTWATCH_BASE_URL", "http://127.0.0.1:9")

import agentwatch

WATCHED = {
    "openai": {"OpenAI": agentwatch.WatchedOpenAI, "AsyncOpenAI": agentwatch.WatchedAsyncOpenAI},
    "anthropic": {"Anthropic": agentwatch.WatchedAnthropic, "AsyncAnthropic": agentwatch.WatchedAsyncAnthropic},
}

_package = __import__(os.environ["AGENTWATCH_SUITE"])
for _name, _watched in WATCHED[_package.__name__].items():
    setattr(_package, _name, _watched)
