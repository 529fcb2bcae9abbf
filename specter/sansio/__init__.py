"""
Rules that never wait, shared by the asyncio and the gevent runtime.

The laws of this folder:

1. Standard library only: no anyio, asyncio, gevent, threading, logging, no web framework.
2. No listener, hook or factory is called here, no lock taken, no clock read: the caller brings the time and gets back
   what to do. Functions that are part of a rule (a field's validator, a selector, a mutator of a draft) are called and
   must not wait.
3. One lock discipline: the caller locks, calls the rule, unlocks, then delivers.
4. Finished, not abstract: nothing to override.
5. State machines are tables with the theory above them; where order is the rule and steps wait, a list or a generator
   of steps is given and the caller has the loop.
"""
