"""
Specter beside what one would use instead, measured in one run: ``python -m benchmarks``.

An *area* is a file in ``areas``. Its *cases* say what is measured; a case has *contenders*, functions that do the work,
prove that it was done, and return the figure of one sample. `measure` asks for the samples, one contender after the
other and round again, so that a machine that gets slower meanwhile is slower for all of them; the minimum counts.

::

    __main__  →  measure  →  workers  ⇢  worker.py: a process per backend  →  areas  →  run.Run
                    ↓
                 results  →  table, report (markdown), plot (svg)

specter-runtime 0.1.1 has the import package `specter` as well, so it lives in an environment of its own. `cases`,
`run`, `worker` and the areas run there too: they import nothing but the standard library when they are imported.
"""
