"""A queue whose work can be held back and looked at."""

from specter import QueueService


class Collecting(QueueService):
    """Keeps what its workers did; each of them waits at a gate if there is one."""

    def __init__(self, name="collecting", *, gate=None, **options):
        super().__init__(name, **options)
        self.begun, self.done = [], []
        self.gate = gate

    async def handle_item(self, item):
        self.begun.append(item)
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(item, Exception):
            raise item
        self.done.append(item)
