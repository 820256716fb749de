"""How much of a run may wait at a provider at once: less and less while its queue has no room for more."""

LINES = 1000
"""Requests in one file; the providers take 50,000, but the answers to all of them have to fit into
:data:`~tianji_core.gate.RESULT_BYTES`."""
MOST_OPEN = 8
"""Batches of one teacher that wait at the provider at the same time."""
FEWEST = 10
"""Requests of a batch that is not made smaller."""


class Room:
    """The room of one teacher: at most ``batches`` at the same time, each of at most ``lines`` requests."""

    def __init__(self) -> None:
        self.batches, self.lines = MOST_OPEN, LINES

    def shrink(self, requests: int, others: int) -> bool:
        """Makes room after the provider's queue had none for a batch of so many ``requests`` beside
        ``others`` of this teacher: fewer at once, or where no other waits there smaller ones. Returns False
        where even a small one alone finds no room."""
        if others:
            self.batches = min(self.batches, others)
            return True
        if requests < 2 * FEWEST:
            return False
        self.batches, self.lines = 1, min(self.lines, requests // 2)
        return True
