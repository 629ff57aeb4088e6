"""What came of trials of the tenant's receivers, for whoever asks."""

from core.ledger.trials.messages import TRIALS_KEPT_MAX, Trial


class Trials:
    """What came of the latest trials, in memory alone: who asked for one waits for it, or asks for another."""

    def __init__(self) -> None:
        self._known: dict[str, Trial] = {}

    def told(self, trial_id: str, outcome: Trial | None) -> Trial:
        """What is known of a trial. Its first outcome counts: the queue may deliver it twice."""
        if outcome is not None and trial_id not in self._known:
            while len(self._known) >= TRIALS_KEPT_MAX:
                del self._known[next(iter(self._known))]
            self._known[trial_id] = outcome
        return self._known.get(trial_id, Trial())
