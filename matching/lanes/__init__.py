"""ristretto255 and SHA-2 on SIMD lanes: one instruction works on a row of points, one point in each lane.

Most modules here *write* code: they emit LLVM's intermediate representation with `llvmlite`, which compiles it for
the CPU at hand (`machine.py`). A formula is written once, with `*`, `+` and `-` on `field.Element`, and serves every
kind of CPU; only the multiplication of field elements has two forms (`ifma.py`, `fma.py`). Nothing is compiled unless
asked for.

Read in this order: `code`, `field`, `fma`, `ifma`, `point`, `recode`, `powers`, `ristretto`, `batch`; `fips180`,
`sha2`; `machine`, `known`, `chosen`, `hashing`.
"""
